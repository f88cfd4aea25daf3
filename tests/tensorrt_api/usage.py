"""Reads the project's files and finds every use of the bindings on the path of one release."""

import ast

from tensorrt_api.expressions import Expressions, item_of
from tensorrt_api.names import FUNCTIONS
from tensorrt_api.signatures import signatures
from tensorrt_api.values import Instance, Literal, OurClass, Ours, Real


class Usage:
    """Walks through statements as they would run, and leaves out branches known to be dead.

    A branch is known to be dead where its condition is told by `Generation` or by ``hasattr``.
    """

    def __init__(self, trt, trees: dict[str, ast.Module], facts, files=None) -> None:
        """Takes the bindings, the parsed files, and class -> the one object it has here.

        With `files`, only these are walked through; the others are known by their names.
        """
        self._expressions = Expressions(trt, trees, facts)
        for file in files or trees:
            self._run(trees[file].body, {"__file__": file})
        self.uses = self._expressions.uses
        self.problems = self._expressions.problems

    def _run(self, block, env) -> bool:
        """Whether the block leaves its function for sure."""
        return any(self._step(statement, env) for statement in block)

    def _step(self, node, env) -> bool:
        return bool(getattr(self, f"_{type(node).__name__.lower()}", self._others)(node, env))

    def _others(self, node, env):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expressions.what(child, env)
        for block in ("body", "orelse", "finalbody"):
            self._run(getattr(node, block, []), env)
        for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            self._run(part.body, env)

    def _return(self, node, env):
        if getattr(node, "value", None) is not None:
            self._expressions.what(node.value, env)
        return True

    def _raise(self, node, env):
        for part in filter(None, (node.exc, node.cause)):
            self._expressions.what(part, env)
        return True

    def _if(self, node, env):
        test = self._expressions.what(node.test, env)
        if isinstance(test, Literal):
            return self._run(node.body if test.value else node.orelse, env)
        left = self._run(node.body, env)
        other = self._run(node.orelse, env)
        return left and other

    def _for(self, node, env):
        items = self._expressions.what(node.iter, env)
        self._expressions.bind(node.target, item_of(items), env)
        self._run([*node.body, *node.orelse], env)

    def _with(self, node, env):
        for item in node.items:
            value = self._expressions.what(item.context_expr, env)
            if item.optional_vars is not None:
                self._expressions.bind(item.optional_vars, value, env)
        return self._run(node.body, env)

    def _assign(self, node, env):
        value = self._expressions.what(node.value, env)
        for target in node.targets:
            self._expressions.bind(target, value, env)

    def _annassign(self, node, env):
        value = node.value and self._expressions.what(node.value, env)
        known = self._expressions.names.annotated(node.annotation, env["__file__"])
        self._expressions.bind(node.target, known or value, env)

    def _functiondef(self, node, env, itself=None):
        if self._expressions.names.absent(node, env["__file__"]):
            return  # whoever calls it on this release's path is told
        inner = dict(env)
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for argument in arguments:
            file = env["__file__"]
            inner[argument.arg] = self._expressions.names.annotated(argument.annotation, file)
        if itself is not None and arguments:
            inner[arguments[0].arg] = itself
        self._run(node.body, inner)

    def _classdef(self, node, env):
        known = OurClass(node.name, env["__file__"]) in self._expressions.names.classes
        itself = Ours(node.name, env["__file__"]) if known else None
        for base in node.bases:
            found = self._expressions.what(base, env)
            if isinstance(found, Real) and isinstance(found.value, type):
                itself = Instance(found.value)
                self._check_overrides(node, found.value, env)
        methods = [part for part in node.body if isinstance(part, FUNCTIONS)]
        for part in sorted(methods, key=lambda method: method.name != "__init__"):
            self._functiondef(part, env, itself)

    def _check_overrides(self, node, base, env):
        for part in node.body:
            if not isinstance(part, FUNCTIONS) or part.name.startswith("_"):
                continue
            wanted = signatures(getattr(base, part.name, None))
            taken = len(part.args.args)
            if not any(len(it.parameters) == taken for it in wanted):
                text = f"{base.__name__} calls no {part.name} with {taken - 1} arguments"
                self._expressions.problem(env["__file__"], part, text)
