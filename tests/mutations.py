"""The changes that tests/mutants.py makes, and the names under which a list can excuse them."""

import ast
from collections import Counter
from dataclasses import dataclass

PAIRS = [
    ("min", "max"),
    ("minimum", "maximum"),
    ("any", "all"),
    ("above", "below"),
    ("upper", "lower"),
    ("floor", "ceil"),
]
SWAPS = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
OPERATORS = {  # first the neighbour, which only differs in a boundary case; then the opposite
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
SIGNS = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Add: "+",
    ast.Sub: "-",
    ast.And: "and",
    ast.Or: "or",
}


@dataclass(frozen=True)
class Mutant:
    """One change: where it is (so that the name survives edits elsewhere), and how it is made."""

    file: str
    function: str
    line: str
    change: str
    number: int  # among equal changes on equal lines of the function
    span: range | None  # lines of the statement; None outside functions
    tree: ast.Module
    edit: tuple  # (node, attribute, new value)

    @property
    def key(self):
        last = f"{self.change} #{self.number}" if self.number > 1 else self.change
        return self.file, self.function, self.line, last


class _Changes(ast.NodeVisitor):
    """Every change of one file, in order."""

    def __init__(self, file, text):
        self.file, self.lines = file, text.splitlines()
        self.names, self.span, self.seen, self.found = [], None, Counter(), []
        self.tree = ast.parse(text)
        self.visit(self.tree)

    def add(self, node, change, *edit):
        function, line = ".".join(self.names) or "module", self.lines[node.lineno - 1].strip()
        self.seen[function, line, change] += 1
        number = self.seen[function, line, change]
        self.found.append(
            Mutant(self.file, function, line, change, number, self.span, self.tree, edit)
        )

    def visit(self, node):
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.arg) or _is_strict(node):
            return
        before = self.span
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.names.append(node.name)
            if isinstance(node, ast.FunctionDef):
                # defaults are evaluated at import, but matter to whoever runs the function
                self.span = range(node.body[0].lineno, node.end_lineno + 1)
                self.visit(node.args)
            for child in node.body:
                self.visit(child)
            self.names.pop()
        else:
            if isinstance(node, ast.stmt) and before is not None:
                body = getattr(node, "body", None)
                end = max(body[0].lineno, node.lineno + 1) if body else node.end_lineno + 1
                self.span = range(node.lineno, end)
            getattr(self, f"change_{type(node).__name__}", lambda node: None)(node)
            for field, value in ast.iter_fields(node):
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST) and field != "annotation":
                        self.visit(child)
        self.span = before

    def change_Constant(self, node):
        value = node.value
        if isinstance(value, bool):
            new = [not value]
        elif isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
            new = [value + 1, value - 1]
        elif isinstance(value, float):
            new = [2 * value, 0.0]
        else:
            return
        for v in new:
            self.add(node, f"{value} -> {v}", node, "value", v)

    def change_Compare(self, node):
        for i, (op, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            for new in OPERATORS[type(op)]:
                ops = [*node.ops[:i], new(), *node.ops[i + 1 :]]
                self.add(right, f"{SIGNS[type(op)]} -> {SIGNS[new]}", node, "ops", ops)

    def swap(self, node, right):
        for new in OPERATORS.get(type(node.op), ()):
            self.add(right, f"{SIGNS[type(node.op)]} -> {SIGNS[new]}", node, "op", new())

    def change_BinOp(self, node):
        self.swap(node, node.right)

    def change_BoolOp(self, node):
        self.swap(node, node.values[-1])

    def change_AugAssign(self, node):
        self.swap(node, node.target)

    def change_UnaryOp(self, node):
        if isinstance(node.op, ast.Not):
            twice = ast.copy_location(ast.UnaryOp(ast.Not(), node.operand), node)
            self.add(node, "not -> not not", node, "operand", twice)
        elif isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            self.add(node, "- -> + (sign)", node, "op", ast.UAdd())

    def change_Name(self, node):
        if node.id in SWAPS:
            self.add(node, f"{node.id} -> {SWAPS[node.id]}", node, "id", SWAPS[node.id])

    def change_Attribute(self, node):
        if node.attr in SWAPS:
            self.add(node, f"{node.attr} -> {SWAPS[node.attr]}", node, "attr", SWAPS[node.attr])


def _is_strict(node):
    """The argument of zip that only finds mistakes in the code itself."""
    return isinstance(node, ast.keyword) and node.arg == "strict"


def changes(file, text):
    """All mutants of a source text."""
    return _Changes(file, text).found


def listed(path):
    """The mutants in mutants.txt, by key, with their reasons."""
    found, file, function, line = {}, "", "", ""
    for text in path.read_text(encoding="utf-8").splitlines():
        depth, entry = len(text) - len(text.lstrip()), text.strip()
        if not entry or entry.startswith("#"):
            continue
        if depth == 0:
            file, function = entry.split()
        elif depth == 4:
            line = entry
        else:
            which, reason = entry.split(": ", 1)
            for change in which.split("; "):
                found[file, function, line, change] = reason
    return found


def whole_of(key):
    """The key under which the whole function of a mutant is listed."""
    return *key[:2], "*", "*"


def shown(reasons):
    """Keys as they stand in mutants.txt."""
    lines, before = [], (None, None, None)
    for file, function, line, change in sorted(reasons):
        if before[:2] != (file, function):
            lines.append(f"{file} {function}")
        if before != (file, function, line):
            lines.append(f"    {line}")
        lines.append(f"        {change}: {reasons[file, function, line, change]}")
        before = file, function, line
    return "\n".join(lines)
