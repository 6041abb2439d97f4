"""What compiled code hands on as an address: rows of records, and named tuples.

numba hands a tuple on by value, word by word, and an array as seven words. All that an order looks at is a hundred of
them, which went from function to function a dozen times an order and took most of its time.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

_BYTE = ir.IntType(8)


class RowsType(types.Type):
    """Records one after another, of one kind; two words that live in compiled code only."""

    def __init__(self, record: Any) -> None:
        """Name the kind after its record."""
        self.record = record
        super().__init__(name=f"Rows({record})")


@register_model(RowsType)
class RowsModel(models.StructModel):
    """The address of the first record, and how many there are."""

    def __init__(self, manager: Any, kind: RowsType) -> None:
        """Lay it out."""
        super().__init__(manager, kind, [("first", kind.record), ("count", types.intp)])


@intrinsic
def rows_of(_typing: Any, array: Any) -> Any:
    """Return all records of a contiguous struct array, whatever its shape; it must outlive them."""

    def generated(context: Any, builder: Any, made: Any, arguments: Any) -> Any:
        whole = context.make_array(array)(context, builder, arguments[0])
        first = builder.bitcast(whole.data, context.get_value_type(array.dtype))
        return _made(context, builder, made.return_type, first, whole.nitems)

    if isinstance(array, types.Array) and array.layout == "C":
        return RowsType(array.dtype)(array), generated
    return None


@intrinsic
def part(_typing: Any, rows: Any, start: Any, count: Any) -> Any:
    """Return ``count`` of the rows, from the one at ``start`` on; all of them must be there."""

    def generated(context: Any, builder: Any, made: Any, arguments: Any) -> Any:
        begin = context.cast(builder, arguments[1], start, types.intp)
        number = context.cast(builder, arguments[2], count, types.intp)
        return _made(context, builder, made.return_type, _place(context, builder, rows, arguments[0], begin), number)

    return rows(rows, start, count), generated


@infer_global(operator.getitem)
class _Row(AbstractTemplate):
    def generic(self, arguments: Any, _keywords: Any) -> Any:
        if isinstance(arguments[0], RowsType) and isinstance(arguments[1], types.Integer):
            return signature(arguments[0].record, arguments[0], types.intp)
        return None


@infer_global(len)
class _Length(AbstractTemplate):
    def generic(self, arguments: Any, _keywords: Any) -> Any:
        return signature(types.intp, *arguments) if isinstance(arguments[0], RowsType) else None


@lower_builtin(operator.getitem, RowsType, types.Integer)
def _row(context: Any, builder: Any, asked: Any, arguments: Any) -> Any:
    return _place(context, builder, asked.args[0], *arguments)


@lower_builtin(len, RowsType)
def _length(context: Any, builder: Any, asked: Any, arguments: Any) -> Any:
    return cgutils.create_struct_proxy(asked.args[0])(context, builder, arguments[0]).count


def _made(context: Any, builder: Any, kind: RowsType, first: Any, count: Any) -> Any:
    rows = cgutils.create_struct_proxy(kind)(context, builder)
    rows.first, rows.count = first, count
    return rows._getvalue()  # noqa: SLF001 -- numba's own name for it


def _place(context: Any, builder: Any, kind: RowsType, rows: Any, at: Any) -> Any:
    """Return the address of the record at a place; records follow each other without a gap."""
    first = cgutils.create_struct_proxy(kind)(context, builder, rows).first
    away = builder.mul(at, ir.Constant(at.type, kind.record.size))
    moved = builder.gep(builder.bitcast(first, _BYTE.as_pointer()), [away], source_etype=_BYTE)
    return builder.bitcast(moved, first.type)


class AddressType(types.Type):
    """Where a named tuple lies; its fields are read there, by name. One word, in compiled code only."""

    def __init__(self, of: Any) -> None:
        """Name the kind after the tuple."""
        self.of = of
        super().__init__(name=f"Address({of})")


@register_model(AddressType)
class AddressModel(models.OpaqueModel):
    """A pointer."""


@intrinsic
def address_of(_typing: Any, values: Any) -> Any:
    """Return the address of a named tuple's copy, to be handed on; it is there until the calling function returns."""

    def generated(context: Any, builder: Any, _made: Any, arguments: Any) -> Any:
        slot = cgutils.alloca_once_value(builder, arguments[0])
        return builder.bitcast(slot, context.get_value_type(AddressType(values)))

    return (AddressType(values)(values), generated) if isinstance(values, types.BaseNamedTuple) else None


@infer_getattr
class _Field(AttributeTemplate):
    key = AddressType

    def generic_resolve(self, address: Any, name: str) -> Any:
        return address.of.types[address.of.fields.index(name)] if name in address.of.fields else None


@lower_getattr_generic(AddressType)
def _field(context: Any, builder: Any, address: Any, value: Any, name: str) -> Any:
    whole = builder.bitcast(value, context.get_value_type(address.of).as_pointer())
    return builder.load(cgutils.gep_inbounds(builder, whole, 0, address.of.fields.index(name)))
