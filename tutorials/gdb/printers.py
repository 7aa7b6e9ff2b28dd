"""gdb with Unroll: values with their shapes, records with their symbols, no stepping into accessors.

    tutorials/start 01 --debug            or:  gdb -x tutorials/gdb/printers.py PROGRAM
    (gdb) break Tanh::backward
    (gdb) run
    (gdb) p *this
    (gdb) p dy

Numbers are read from memory, nothing is called in the program, so printers work on a core file too. What a variable holds
before it is initialised, or after it is gone, is told from what it should hold, and never followed.
"""
import struct

import gdb

MOST_ELEMENTS = 1 << 48
SHOWN = 24  # elements; of larger tensors only the edges are shown
NOT_THERE = "<not initialised>"


def unpack(address, count, code):
    """`count` numbers at an address."""
    memory = gdb.selected_inferior().read_memory(address, count * struct.calcsize(code))
    return struct.unpack(f"<{count}{code}", memory.tobytes())


def shape_of(shape):
    """[(size, axis letter), ...], or None where it can't be a Shape."""
    rank = int(shape["rank_"])
    if not 0 <= rank <= 4:
        return None
    dims = [(int(shape["sizes_"][i]), int(shape["axes_"][i])) for i in range(rank)]
    elements = 1
    for size, axis in dims:
        elements *= max(size, 1)
        if size < 0 or elements > MOST_ELEMENTS or not (axis == 0 or 32 < axis < 127):
            return None
    return dims


def show_shape(dims):
    return "[" + ", ".join((f"{chr(axis)}=" if axis else "") + str(size) for size, axis in dims) + "]"


def show_number(value):
    if isinstance(value, int):
        return str(value)
    return "NaN" if value != value else f"{value + 0.0:.4g}"


def show_values(dims, address, code):
    """[[0.1 0.2] [0.3 0.4]], with … for the middle of what is too long."""
    bytes_each = struct.calcsize(code)
    total = 1
    for size, _ in dims:
        total *= size

    def show(axis, begin, elements):  # the elements of one index of `axis`, from the begin-th
        if axis == len(dims):
            return show_number(unpack(address + begin * bytes_each, 1, code)[0])
        size = dims[axis][0]
        inner = elements // size if size else 0
        edge = 2 if axis >= len(dims) - 2 else 1
        if total <= SHOWN or size <= 2 * edge:
            indices = list(range(size))
        else:
            indices = [*range(edge), None, *range(size - edge, size)]
        parts = ["…" if i is None else show(axis + 1, begin + i * inner, inner) for i in indices]
        return "[" + " ".join(parts) + "]"

    return show(0, 0, total)


def show_handle(value, types):
    """A Tensor or Ids: shape, type and numbers. `types` gives (name, struct's letter) of the value."""
    storage = int(value["storage_"])
    if storage == 0:
        return "(none)"
    dims = shape_of(value["shape_"])
    kind = types(value)
    if dims is None or kind is None or storage % 64 != 0:
        return NOT_THERE
    name, code = kind
    elements = 1
    for size, _ in dims:
        elements *= size
    try:
        header = value["storage_"].dereference()
        references, capacity = int(header["references"]), int(header["bytes"])
        begin = int(value["begin_"]) - (storage + header.type.sizeof)
        if not 0 <= begin <= begin + elements * struct.calcsize(code) <= capacity:
            return NOT_THERE
        if references < 1:
            return f"<released: {show_shape(dims)} {name}>"
        return f"{show_shape(dims)} {name} {show_values(dims, int(value['begin_']), code)}"
    except gdb.MemoryError:
        return NOT_THERE


def tensor_type(value):
    return {0: ("f32", "f"), 1: ("f64", "d")}.get(int(value["dtype_"]))


def show_tensor(value):
    return show_handle(value, tensor_type)


def show_ids(value):
    return show_handle(value, lambda _: ("ids", "i"))


def show_just_shape(value):
    dims = shape_of(value)
    return NOT_THERE if dims is None else show_shape(dims)


def show_slot(value):
    slot = int(value["slot"])
    return f"slot {slot}" if slot >= 0 else "no gradient"


def show_saved(value):
    return f"{show_tensor(value['value'])} ({show_slot(value)})"


def show_var(value):
    slot = int(value["slot_"])
    return show_tensor(value["value_"]) + (f" (slot {slot})" if slot >= 0 else " (no gradient)")


def show_string(value):
    """A std::string, whichever library it comes from."""
    try:
        size = int(value["_M_string_length"])
        return value["_M_dataplus"]["_M_p"].string("utf-8", "replace", min(size, 200)) if size <= 1 << 32 else NOT_THERE
    except gdb.MemoryError:
        return NOT_THERE
    except gdb.error:
        return value.format_string()


def show_parameter(value):
    return f"{show_string(value['name'])} {show_tensor(value['value'])}"


def show_where(value):
    try:
        path = value["file"].string("utf-8", "replace", length=-1)
        return f"{path.rsplit('/', 1)[-1]}:{int(value['line'])}"
    except gdb.error:
        return NOT_THERE


def show_pointer(value):
    """Of a gradient, which is null where none has arrived."""
    if int(value) == 0:
        return "nullptr"
    try:
        return f"{hex(int(value))} {show_tensor(value.dereference())}"
    except gdb.MemoryError:
        return f"{hex(int(value))} {NOT_THERE}"


def show_record_line(record):
    """Tanh (tutorial.cpp:41, t=3)"""
    step = int(record["step"])
    name = record.type.strip_typedefs().unqualified().name.rsplit("::", 1)[-1]
    return f"{name} ({show_where(record['where'])}{f', t={step}' if step >= 0 else ''})"


def whole(record):
    """A record as the type that it was made as."""
    try:
        return record.address.cast(record.dynamic_type.pointer()).dereference()
    except gdb.error:
        return record


class OneLine:
    """Whatever a function says of a value."""

    def __init__(self, value, show):
        self.value, self.show = value, show

    def to_string(self):
        try:
            return self.show(self.value)
        except gdb.error as e:  # optimised out
            return f"<{e}>"


def members(record):
    """Those of its class, after those of the class's bases up to Record."""
    for field in record.type.strip_typedefs().fields():
        if field.is_base_class:
            if field.type.strip_typedefs().name != "unroll::Record":
                yield from members(record[field])
        elif hasattr(field, "bitpos"):
            yield field.name, record[field]


class RecordPrinter:
    """The record's own members, its symbols, and then the gradient dy that has arrived."""

    def __init__(self, record):
        self.record = whole(record)

    def to_string(self):
        try:
            return show_record_line(self.record)
        except gdb.error as e:
            return f"<{e}>"

    def children(self):
        yield from members(self.record)
        yield "dy", self.record["dy"]


class TapePrinter:
    """Its records, a line each."""

    def __init__(self, tape):
        self.tape = tape
        implementation = tape["records_"]["_M_impl"]
        self.begin = implementation["_M_start"]
        self.count = int(implementation["_M_finish"]) - int(self.begin)
        self.count //= self.begin.type.target().sizeof

    def sane(self):
        return 0 <= self.count <= 1 << 32 and int(self.begin) % 8 == 0

    def to_string(self):
        if not self.sane():
            return NOT_THERE
        return f"Tape ({self.count} records, {str(self.tape['mode_']).rsplit('::', 1)[-1]})"

    def children(self):
        for i in range(self.count if self.sane() else 0):
            try:
                line = show_record_line(whole((self.begin + i).dereference().dereference()))
            except gdb.error:
                line = NOT_THERE
            yield f"[{i}]", line


PRINTERS = {
    "unroll::Tensor": show_tensor,
    "unroll::Ids": show_ids,
    "unroll::Shape": show_just_shape,
    "unroll::Var": show_var,
    "unroll::Edge": show_slot,
    "unroll::Saved": show_saved,
    "unroll::Parameter": show_parameter,
    "unroll::Where": show_where,
}


def is_record(type):
    while type.code == gdb.TYPE_CODE_STRUCT:
        if type.name == "unroll::Record":
            return True
        bases = [f for f in type.fields() if f.is_base_class]
        if not bases:
            return False
        type = bases[0].type.strip_typedefs()
    return False


def printer_of(value):
    type = value.type.strip_typedefs()
    if type.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        value = value.referenced_value()
        type = value.type.strip_typedefs()
    type = type.unqualified()
    if type.code == gdb.TYPE_CODE_PTR:
        target = type.target().strip_typedefs().unqualified()
        return OneLine(value, show_pointer) if target.name == "unroll::Tensor" else None
    if type.code != gdb.TYPE_CODE_STRUCT or not (type.name or "").startswith("unroll::"):
        return None
    if type.name in PRINTERS:
        return OneLine(value, PRINTERS[type.name])
    if type.name == "unroll::Tape":
        return TapePrinter(value)
    return RecordPrinter(value) if is_record(type) else None


gdb.pretty_printers.insert(0, printer_of)

# A pointer to a Record shows what it points to as what it is; `p *this` has a line for each symbol.
for setting in ("print object on", "print pretty on", "print static-members off"):
    gdb.execute("set " + setting)
# `step` goes into what computes, and not into handles, accessors and the standard library.
for names in (
    r"^unroll::(Tensor|Ids|Shape|Dim|Var|Parameter|Operand|Edge|Saved|Where|Storage)::",
    r"^unroll::Tape::(wants|gradient|watch|recording|steps|Steps::)",
    r"^std::",
):
    gdb.execute(f"skip -rfu {names}", to_string=True)
