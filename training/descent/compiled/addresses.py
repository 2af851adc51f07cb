"""Calls of compiled functions by their addresses, from other compiled functions.

What a kernel calls by name is compiled with it, and optimised once more at each level of calls
above. What it calls by address is compiled where that is needed.
"""

import numba
from numba import float64, int64
from numba.extending import intrinsic
from numba.types import Array

VECTOR, TABLE = Array(float64, 1, "C"), Array(float64, 2, "C")

# Parameters, the table of layers, tiles and slopes of outputs, sums of gradients; layer, row of
# its inputs in the tiles, and of the gradient of its outputs in the slopes.
LAYER = numba.void(VECTOR, Array(int64, 2, "C"), TABLE, TABLE, VECTOR, int64, int64, int64)
# Parameters, penalties, gradient.
PENALTIES = numba.void(VECTOR, TABLE, VECTOR)
# Parameters, constraints; whether all parameters are finite.
CONSTRAINTS = numba.boolean(VECTOR, TABLE)
# See training.descent.compiled.written: a desk, shuffles, where in them the batch begins, points in
# it, and a factor of their weights, so that these keep their mean. Few arrays: handing over one
# costs 10 ns.
GRADIENT = numba.void(VECTOR, Array(int64, 1, "C"), int64, int64, float64)


def _call(signature):
    """Type and code of a call of an address with the arguments of a signature."""
    kind = numba.types.FunctionType(signature)

    def generated(context, builder, _, given):
        address, *arguments = given
        function = builder.inttoptr(address, context.get_value_type(kind.ftype))
        result = builder.call(function, arguments)
        return context.get_dummy_value() if signature.return_type == numba.void else result

    return signature.return_type(int64, *signature.args), generated


if numba.config.DISABLE_JIT:

    def call_layer(function, *arguments):
        """Call a function: without compilation it stands for its address."""
        return function(*arguments)

    call_penalties = call_constraints = call_gradient = call_layer
else:

    @intrinsic
    def call_layer(typing, address, theta, chain, x, g, grad, l, r, here):
        """Call a pass over one layer."""
        return _call(LAYER)

    @intrinsic
    def call_penalties(typing, address, theta, penalties, grad):
        """Add the gradients of penalties."""
        return _call(PENALTIES)

    @intrinsic
    def call_constraints(typing, address, new, constraints):
        """Make parameters keep constraints; whether they are finite."""
        return _call(CONSTRAINTS)

    @intrinsic
    def call_gradient(typing, address, desk, order, start, count, scale):
        """Call a pass that is written out."""
        return _call(GRADIENT)


def address_of(kernel, signature):
    """The address of a kernel, compiled for the signature or loaded; itself without compilation."""
    if numba.config.DISABLE_JIT:
        return kernel
    compiled = kernel.get_compile_result(signature)
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
