"""Follows objects of the bindings through expressions, and looks every name up that is used."""

import ast
from dataclasses import dataclass
from functools import cache

from tensorrt_api.names import Names
from tensorrt_api.signatures import resolve, signatures
from tensorrt_api.values import (
    Absent,
    Each,
    Instance,
    Literal,
    Many,
    Method,
    OurClass,
    OurFunction,
    Ours,
    Real,
)

SAME = {"list", "tuple", "sorted", "reversed", "iter", "set"}


@dataclass(frozen=True)
class Use:
    """A name of the bindings in the project's code."""

    file: str
    line: int
    column: int
    name: str


@cache
def telling_names(trt) -> frozenset[str]:
    """Names that nobody but the bindings is likely to use."""
    classes = [thing for thing in vars(trt).values() if isinstance(thing, type)]
    members = {name for cls in classes for name in dir(cls) if not name.startswith("_")}
    return frozenset(
        {name for name in members if "_" in name} | {name for name in dir(trt) if name[0].isupper()}
    )


class Expressions:
    """What expressions are, what they use, and what is wrong with it."""

    def __init__(self, trt, trees, facts) -> None:
        self.trt, self.facts = trt, facts
        self.names = Names(trt, trees)
        self.uses: list[Use] = []
        self.problems: list[str] = []
        self.attributes: dict = {}
        self._telling = telling_names(trt) - self.names.defined_members()

    def problem(self, file, node, text) -> None:
        self.problems.append(f"{file}:{node.lineno}: {text}")

    def what(self, node, env):
        """What an expression is known to be; None: nothing that matters here."""
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is not None:
            return method(node, env)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.what(child, env)
        return None

    def _constant(self, node, env):
        return Literal(node.value)

    def _name(self, node, env):
        return env[node.id] if node.id in env else self.names.find(node.id, env["__file__"])

    def _namedexpr(self, node, env):
        env[node.target.id] = self.what(node.value, env)
        return env[node.target.id]

    def _boolop(self, node, env):
        known = [self.what(value, env) for value in node.values]
        deciding = isinstance(node.op, ast.Or)
        for it in known:
            if isinstance(it, Literal) and bool(it.value) == deciding:
                return Literal(deciding)
        if all(isinstance(it, Literal) for it in known):
            return Literal(not deciding)
        return next((it for it in known if it and not isinstance(it, Literal)), None)

    def _unaryop(self, node, env):
        inner = self.what(node.operand, env)
        negated = isinstance(node.op, ast.Not) and isinstance(inner, Literal)
        return Literal(not inner.value) if negated else None

    def _ifexp(self, node, env):
        test = self.what(node.test, env)
        if isinstance(test, Literal):
            return self.what(node.body if test.value else node.orelse, env)
        first, second = self.what(node.body, env), self.what(node.orelse, env)
        return second if first is None or isinstance(first, Literal) else first

    def _tuple(self, node, env):
        items = []
        for element in node.elts:
            starred = isinstance(element, ast.Starred)
            found = self.what(element.value if starred else element, env)
            items.append(found.item if starred and isinstance(found, Many) else found)
        if isinstance(node, ast.Tuple):
            return Each(tuple(items))
        return Many(next((it for it in items if it and not isinstance(it, Literal)), None))

    _list = _set = _tuple

    def _listcomp(self, node, env):
        inner = dict(env)
        for generator in node.generators:
            self.bind(generator.target, item_of(self.what(generator.iter, inner)), inner)
            for test in generator.ifs:
                self.what(test, inner)
        return Many(self.what(node.elt, inner))

    _generatorexp = _setcomp = _listcomp

    def _dictcomp(self, node, env):
        pair = ast.Tuple([node.key, node.value], ast.Load())
        self._listcomp(ast.ListComp(pair, node.generators), env)

    def _subscript(self, node, env):
        base = self.what(node.value, env)
        self.what(node.slice, env)
        return base.item if isinstance(base, Many) else None

    def _lambda(self, node, env):
        self.what(node.body, dict(env))

    def bind(self, target, value, env) -> None:
        """Gives names in a target of an assignment what is known of the value."""
        if isinstance(target, ast.Name):
            env[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = value.items if isinstance(value, Each) else [item_of(value)] * len(target.elts)
            for part, item in zip(target.elts, items, strict=False):
                self.bind(part, item, env)
        elif isinstance(target, ast.Attribute):
            base = self.what(target.value, env)
            if isinstance(base, Ours):
                self.attributes.setdefault((base, target.attr), value)
            else:
                self.attribute(target, base, env)

    def _attribute(self, node, env):
        return self.attribute(node, self.what(node.value, env), env)

    def attribute(self, node, base, env):
        """What a name behind a dot is; it is looked up where it should be."""
        file, name = env["__file__"], node.attr
        match base:
            case Real(value) if not isinstance(value, type) and value is not self.trt:
                return self._of_bindings(node, type(value), file, bound=True)
            case Real(value):
                return self._of_bindings(node, value, file, bound=False)
            case Instance(cls):
                return self._of_bindings(node, cls, file, bound=True)
            case Absent(cls):
                self.problem(file, node, f"{cls} is not in this release, nor its {name}")
            case Ours():
                return self._of_ours(base, name)
            case None if name in self._telling:
                self.problem(file, node, f"{name} sounds like TensorRT, of an object unknown here")
        return None

    def _of_bindings(self, node, owner, file, *, bound):
        self.uses.append(Use(file, node.lineno, node.end_col_offset, node.attr))
        owner_name = getattr(owner, "__name__", str(owner))
        if not hasattr(owner, node.attr):
            self.problem(file, node, f"{owner_name} has no {node.attr}")
            return None
        member = getattr(owner, node.attr)
        if isinstance(member, property):
            if isinstance(node.ctx, ast.Store) and member.fset is None:
                self.problem(file, node, f"{owner_name}.{node.attr} cannot be set")
            returned = signatures(member.fget)
            return self._instance(returned[0].returns) if returned else None
        if callable(member) and not isinstance(member, type):
            return Method(member, bound)
        return Real(member)

    def _of_ours(self, base, name):
        if base.name in self.facts and hasattr(self.facts[base.name], name):
            return Literal(getattr(self.facts[base.name], name))
        member = self.names.member(base, name)
        if isinstance(member, OurFunction):
            is_property = any(
                getattr(d, "id", "") == "property" for d in member.node.decorator_list
            )
            return self._returned(member) if is_property else member
        if member is not None:
            return self.names.annotated(member, base.file)
        return self.attributes.get((base, name))

    def _returned(self, function):
        return self.names.annotated(function.node.returns, function.file)

    def _instance(self, name):
        cls = resolve(self.trt, name)
        return Instance(cls) if isinstance(cls, type) else None

    def _call(self, node, env):
        arguments = [self.what(argument, env) for argument in node.args]
        keywords = {keyword.arg: self.what(keyword.value, env) for keyword in node.keywords}
        if isinstance(node.func, ast.Name) and node.func.id not in env:
            known = self._builtin(node, arguments, env)
            if known is not None:
                return known
        called = self.what(node.func, env)
        match called:
            case Real(cls) if isinstance(cls, type):
                self._fits(node, cls.__init__, arguments, keywords, env)
                return Instance(cls)
            case Method(function, bound):
                return self._fits(node, function, arguments, keywords, env, bound=bound)
            case OurClass(name, file):
                return Ours(name, file)
            case OurFunction(function, file):
                if lacking := self.names.absent(function, file):
                    self.problem(env["__file__"], node, f"{function.name} needs {lacking}")
                return self._returned(called)
        return None

    def _builtin(self, node, arguments, env):
        match node.func.id, arguments:
            case "hasattr", [Real(value), Literal(name)]:
                return Literal(hasattr(value, name))
            case "hasattr", [Instance(cls), Literal(name)]:
                return Literal(hasattr(cls, name))
            case "getattr", [Real() | Instance() as base, Literal(name), *_]:
                dotted = ast.copy_location(ast.Attribute(node.args[0], name, ast.Load()), node)
                return self.attribute(dotted, base, env)
            case "getattr", [Real() | Instance(), *_]:
                self.problem(env["__file__"], node, "getattr with a name that is not written here")
        return _rearranged(node.func.id, arguments)

    def _fits(self, node, function, arguments, keywords, env, *, bound=True):
        """Checks a call against the overloads; gives what the fitting one returns."""
        if any(isinstance(a, ast.Starred) for a in node.args) or None in keywords:
            self.problem(env["__file__"], node, "arguments that are not written here")
            return None
        reasons = []
        for it in signatures(function):
            parameters = it.parameters[1:] if bound else it.parameters
            reason = type(it)(parameters, it.returns).refusal(len(arguments), set(keywords))
            reason = reason or self._misfit(parameters, arguments, keywords)
            if not reason:
                return self._instance(it.returns)
            reasons.append(reason)
        called = getattr(function, "__qualname__", function)
        told = "; ".join(reasons) or "has no signature to compare with"
        self.problem(env["__file__"], node, f"{called} {told}")
        return None

    def _misfit(self, parameters, arguments, keywords):
        """An argument of the bindings that is none of the parameter's class."""
        by_name = dict(zip((it.name for it in parameters), arguments, strict=False)) | keywords
        for parameter in parameters:
            wanted, given = resolve(self.trt, parameter.kind), by_name.get(parameter.name)
            cls = given.cls if isinstance(given, Instance) else None
            if isinstance(given, Real):
                cls = type(given.value)
            if isinstance(wanted, type) and cls is not None and not issubclass(cls, wanted):
                return f"wants {wanted.__name__} as {parameter.name}, gets {cls.__name__}"
        return ""


def _rearranged(function, arguments):
    """What functions of the language that hand sequences on give."""
    match function, arguments:
        case "enumerate", [Many(item), *_]:
            return Many(Each((None, item)))
        case "zip", _:
            return Many(Each(tuple(item_of(it) for it in arguments)))
        case "next", [Many(item), *_]:
            return item
        case name, [Many() as many, *_] if name in SAME:
            return many
    return None


def item_of(value):
    """What a loop over a value gives."""
    return value.item if isinstance(value, Many) else None
