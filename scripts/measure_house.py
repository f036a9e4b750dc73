"""The measures of the source tree that docs/architecture.md states and tests/house holds.

Run it with the folder that contains the package, here src::

    python scripts/measure_house.py src
"""

import ast
import io
import keyword
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

PACKAGE = "patron"
FUNCTION_LINES = 60
REPEATED_LINES = 6
TOO_COMMON = 8  # a run in more places than this is idiom, not repetition
WITH_SETTINGS = ("workflows", "settings", "cli")

type Graph = dict[str, set[str]]
type Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(source: Path) -> dict[str, Path]:
    """Dotted name → file of every module under `source`."""
    found = {}
    for path in sorted((source / PACKAGE).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def import_graph(source: Path, *, lazy: bool, types: bool) -> Graph:
    """Module → the modules of the package that it imports.

    `lazy` adds imports inside functions, `types` those under TYPE_CHECKING. The package root is left out as a
    target: its names are loaded when first used.
    """
    found = modules(source)
    graph: Graph = {}
    for name, path in found.items():
        body = ast.parse(path.read_text(encoding="utf-8")).body
        targets = {_module_of(target, found) for target in _imported(body, lazy=lazy, types=types)}
        graph[name] = targets - {name, PACKAGE, ""}
    return graph


def longest_chain(graph: Graph) -> list[str]:
    """The longest chain of modules in which each imports the next, no module twice in a circle."""
    known: dict[str, list[str]] = {}
    open_: set[str] = set()

    def below(name: str) -> list[str]:
        if name not in known:
            open_.add(name)
            chains = [below(target) for target in sorted(graph[name]) if target not in open_]
            known[name] = [name, *max(chains, key=len, default=[])]
            open_.discard(name)
        return known[name]

    return max((below(name) for name in sorted(graph)), key=len)


def circles(graph: Graph) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others."""
    reached = {name: _reachable(graph, name) for name in graph}
    groups = {
        frozenset({name, *(other for other in reached[name] if name in reached[other])})
        for name in graph
        if name in reached[name]
    }
    return sorted(sorted(group) for group in groups)


def code_lines(path: Path) -> int:
    """Lines that hold code: no docstring, no comment, no blank line."""
    return len(_lines_of_code(path.read_text(encoding="utf-8")))


def docstring_lines(path: Path) -> int:
    """Lines of docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return sum(_height(docstring) for docstring in _docstrings(tree))


def long_functions(path: Path, most: int = FUNCTION_LINES) -> list[tuple[str, int]]:
    """Functions with more than `most` lines of code, signature included: name and lines."""
    text = path.read_text(encoding="utf-8")
    code = _lines_of_code(text)
    sizes = [
        (function.name, sum(function.lineno <= line <= (function.end_lineno or 0) for line in code))
        for function in _functions(ast.parse(text))
    ]
    return [(name, size) for name, size in sizes if size > most]


def takes_settings(path: Path) -> list[str]:
    """Functions with a parameter whose type is the whole `Settings`."""
    return [
        function.name
        for function in _functions(ast.parse(path.read_text(encoding="utf-8")))
        if any(_is_settings(argument.annotation) for argument in _arguments(function))
    ]


def repeated_places(source: Path, lines: int = REPEATED_LINES) -> list[tuple[str, str]]:
    """Pairs of files that share at least `lines` lines of code in a row but for names and values."""
    places: dict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, path in modules(source).items():
        shapes = _shapes(path.read_text(encoding="utf-8"))
        for start in range(len(shapes) - lines + 1):
            run = tuple(shapes[start : start + lines])
            if len(set(run)) > 2:  # a column of equal lines is data
                places[run].append((name, start))
    pairs = {
        (first[0], second[0])
        for found in places.values()
        if 1 < len(found) <= TOO_COMMON
        for first, second in combinations(found, 2)
        if first[0] != second[0] or abs(first[1] - second[1]) >= lines
    }
    return sorted(pairs)


def main(source: Path) -> None:
    """Print every measure, one line each."""
    files = modules(source)
    long = [f"{name}.{function}" for name, path in files.items() for function, _ in long_functions(path)]
    with_settings = {name: takes_settings(path) for name, path in files.items()}
    below = [name for name in files if name.split(".")[1:2] not in [[room] for room in WITH_SETTINGS]]
    functions = sum(
        len(list(_functions(ast.parse(path.read_text(encoding="utf-8"))))) for path in files.values()
    )
    chain = longest_chain(import_graph(source, lazy=False, types=False))
    rows = {
        "files": len(files),
        "code lines": sum(map(code_lines, files.values())),
        "docstring lines": sum(map(docstring_lines, files.values())),
        "largest file, code lines": max(map(code_lines, files.values())),
        f"functions over {FUNCTION_LINES} lines of code": f"{len(long)} of {functions}",
        "longest chain of imports": len(chain),
        "circles of imports": len(circles(import_graph(source, lazy=True, types=True))),
        "signatures that take all settings": sum(map(len, with_settings.values())),
        "of these below the workflows": sum(len(with_settings[name]) for name in below),
        f"pairs of files that repeat {REPEATED_LINES} lines": len(repeated_places(source)),
    }
    for measure, value in rows.items():
        print(f"{measure:<42}{value}")
    print("\nlongest chain: " + " > ".join(name.removeprefix(f"{PACKAGE}.") for name in chain))


def _imported(nodes: Iterable[ast.stmt], *, lazy: bool, types: bool) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        else:
            for name, block in ast.iter_fields(node):
                only_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
                if name in ("body", "orelse", "finalbody") and isinstance(block, list):
                    if name != "body" or types or not only_types:
                        yield from _imported(block, lazy=lazy, types=types)
                elif name in ("handlers", "cases"):
                    for part in block:
                        yield from _imported(part.body, lazy=lazy, types=types)


def _module_of(target: str, found: dict[str, Path]) -> str:
    while target and target not in found:
        target = target.rpartition(".")[0]
    return target


def _reachable(graph: Graph, name: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[name])
    while waiting:
        target = waiting.pop()
        if target not in seen:
            seen.add(target)
            waiting.extend(graph[target])
    return seen


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _arguments(function: Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _is_settings(annotation: ast.expr | None) -> bool:
    if annotation is None:
        return False
    text = ast.unparse(annotation).strip("'\"")
    return "Settings" in [part.strip() for part in text.split("|")]


def _docstrings(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first.value


def _height(node: ast.expr) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _lines_of_code(text: str) -> set[int]:
    """Numbers of the lines that hold code."""
    prose = {
        line
        for docstring in _docstrings(ast.parse(text))
        for line in range(docstring.lineno, docstring.lineno + _height(docstring))
    }
    return {line for token in _tokens(text) for line in range(token.start[0], token.end[0] + 1)} - prose


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    empty = {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
    }  # fmt: skip
    return (
        token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in empty
    )


def _shapes(text: str) -> list[str]:
    """Each line of code with n for names and v for values; declarations and thin lines are left out."""
    code = _lines_of_code(text) - _declarations(text)
    lines: dict[int, list[str]] = defaultdict(list)
    for token in _tokens(text):
        if token.start[0] in code:
            lines[token.start[0]].append(_shape(token))
    return ["".join(shape) for _, shape in sorted(lines.items()) if len(shape) > 1]


def _declarations(text: str) -> set[int]:
    """Lines of imports, `__all__`, signatures and fields, which are alike wherever they stand."""
    return {
        line
        for node in ast.walk(ast.parse(text))
        for first, last in _declared(node)
        for line in range(first, last + 1)
    }


def _declared(node: ast.AST) -> Iterator[tuple[int, int]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.lineno, max(node.lineno, node.body[0].lineno - 1)
    elif (
        isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.AnnAssign) and node.value is None)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
    ):
        yield node.lineno, node.end_lineno or node.lineno


def _shape(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.NAME:
        return f" {token.string} " if keyword.iskeyword(token.string) else "n"
    return "v" if token.type in (tokenize.STRING, tokenize.NUMBER) else token.string


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "src"))
