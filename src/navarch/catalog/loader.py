"""The catalog as rooms see it: collections of typed entries, read when asked for, checked entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from navarch.catalog import reader, schema
from navarch.catalog.errors import CatalogError, listed, nearest
from navarch.catalog.facts import Context
from navarch.catalog.models import Model, OtherModel
from navarch.catalog.schema import Entry
from navarch.core.ledger import Fact

if TYPE_CHECKING:
    import polars

_Kind = TypeVar("_Kind", bound=Entry)
DATA = Path(__file__).parent / "data"

CLASSES: dict[str, type[Entry]] = {
    c.collection: c
    for c in (
        schema.Accelerator,
        schema.Node,
        schema.Fabric,
        Model,
        OtherModel,
        schema.Region,
        schema.Storage,
        schema.Price,
        schema.Law,
        schema.Failure,
        schema.Constant,
    )
}
_OF_ITS_FILE = ("source", "url", "date", "evidence", "note")


class Catalog:
    """Sourced data by collection and id.

    `extra` are users' own files: an entry of theirs adds to a collection, or replaces the attributes that it gives of
    an entry that is there. They are read at once; the shipped files when a collection is first asked for.
    """

    def __init__(self, extra: Iterable[Path | str] = ()) -> None:
        self._raw: dict[str, dict[str, list[reader.Raw]]] = {}
        self._entries: dict[tuple[str, str], Entry] = {}
        self._extra: list[tuple[str, str, reader.Raw]] = []
        for given in extra:
            for path in _files(Path(given)):
                self._extra.extend(reader.read(path, CLASSES))
        for collection, name, _ in self._extra:
            self.get(collection, name)

    @property
    def collections(self) -> tuple[str, ...]:
        """The names of all collections."""
        return tuple(CLASSES)

    def ids(self, collection: str) -> tuple[str, ...]:
        """The ids of a collection, in the order of its files."""
        return tuple(self._of(collection))

    def get(self, collection: str, name: str) -> Any:
        """The entry of that id; an unknown one raises CatalogError with near matches."""
        known = self._entries.get((collection, name))
        if known is not None:
            return known
        raws = self._of(collection).get(name)
        if raws is None:
            near = nearest(name, self._of(collection))
            raise CatalogError(f"the catalog has no {collection} {name!r}{near or _hint(collection)}")
        entry = _entry(CLASSES[collection], name, raws[0], None)
        for raw in raws[1:]:
            entry = _entry(CLASSES[collection], name, raw, entry)
        self._entries[collection, name] = entry
        return entry

    def fact(self, collection: str, name: str, attribute: str = "value") -> Fact:
        """One attribute of an entry as a Fact; CatalogError where it is unknown or not a fact."""
        entry: Entry = self.get(collection, name)
        if attribute not in entry.measures:
            raise CatalogError(
                f"{collection} {name!r} has no fact {attribute!r}{nearest(attribute, entry.measures)}; "
                f"it has: {listed(entry.facts)}"
            )
        fact: Fact | None = getattr(entry, attribute)
        if fact is None:
            raise CatalogError(f"the {attribute} of {collection} {name!r} is not known; it has: {listed(entry.facts)}")
        return fact

    def search(self, text: str) -> list[tuple[str, str, str]]:
        """Entries with every word of the text in their id, name, note or other text: (collection, id, name)."""
        words = text.lower().split()
        found = []
        for collection in self.collections:
            for name, raws in self._of(collection).items():
                told = " ".join(str(v) for raw in raws for v in _texts(raw.said)).lower()
                if all(word in told for word in words):
                    found.append((collection, name, self.get(collection, name).name or name))
        return found

    def table(self, name: str) -> polars.DataFrame:
        """A shipped table of published observations (interruptions, checkpoints, training_facts), with its sources."""
        import polars

        tables = {path.stem: path for path in (DATA / "tables").glob("*.csv")}
        if name not in tables:
            raise CatalogError(f"there is no table {name!r}{nearest(name, tables)}; there are: {listed(tables)}")
        return polars.read_csv(tables[name], infer_schema_length=None)

    def _of(self, collection: str) -> dict[str, list[reader.Raw]]:
        if collection not in CLASSES:
            near = nearest(collection, CLASSES)
            raise CatalogError(f"there is no collection {collection!r}{near}; there are: {listed(CLASSES)}")
        if collection not in self._raw:
            self._raw[collection] = self._gather(collection)
        return self._raw[collection]

    def _gather(self, collection: str) -> dict[str, list[reader.Raw]]:
        gathered: dict[str, list[reader.Raw]] = {}
        for path in _shipped(collection):
            for _, name, raw in reader.read(path, CLASSES, collection):
                if name in gathered:
                    raise CatalogError(f"{path}: the {collection} {name!r} is also in {gathered[name][0].context.path}")
                gathered[name] = [raw]
        for owner, name, raw in self._extra:
            if owner == collection:
                gathered.setdefault(name, []).append(raw)
        return gathered


def load(extra: Iterable[Path | str] = ()) -> Catalog:
    """The shipped catalog, with users' own files or folders on top."""
    return Catalog(extra)


def _shipped(collection: str) -> list[Path]:
    """The shipped files of a collection: `<collection>.yaml` and all of the folder of that name or its plural."""
    single = DATA / f"{collection}.yaml"
    folders = (DATA / collection, DATA / f"{collection}s")
    return [*([single] if single.exists() else []), *(p for f in folders for p in sorted(f.glob("*.yaml")))]


def _files(given: Path) -> list[Path]:
    if given.is_dir():
        found = sorted(p for p in given.rglob("*") if p.suffix in (".yaml", ".yml"))
        if not found:
            raise CatalogError(f"{given}: the folder holds no .yaml file")
        return found
    if not given.exists():
        raise CatalogError(f"{given}: there is no such catalog file or folder")
    return [given]


def _hint(collection: str) -> str:
    return f" (`navarch catalog list {collection}` names them all)"


def _texts(said: Mapping[str, Any]) -> list[str]:
    return [v for v in said.values() if isinstance(v, str)]


def checked(kind: type[_Kind], said: Mapping[str, Any], context: Context) -> _Kind:
    """The entry that a file states, or CatalogError with the first problem: file, entry, field, what is allowed."""
    try:
        return kind.model_validate(said, context=context)
    except ValidationError as error:
        raise CatalogError(_message(error, kind, str(said.get("id")), context.path)) from error


def _entry(kind: type[Entry], name: str, raw: reader.Raw, base: Entry | None) -> Entry:
    """Check what a file says of an entry; on top of a base, only what it gives is replaced."""
    context = raw.context
    said = {**context.defaults, **raw.said}
    if "from" in said:
        key = str(said.pop("from"))
        if key not in context.sources:
            raise CatalogError(
                f"{context.path}: {context.collection} {name!r}: from: {key!r} is not a key of the file's sources "
                f"({listed(context.sources)})"
            )
        origin = dict(context.sources[key])
        origin["evidence"] = origin.pop("kind", "published")
        said = {**origin, **said}
    if base is not None:
        said = {**{f: getattr(base, f) for f in base.model_fields_set if f not in _OF_ITS_FILE}, **said}
    else:
        said.setdefault("name", said.get("title") or said.get("item") or name)
    said.setdefault("source", f"user's file {Path(context.path).name}")
    return checked(kind, said, context)


def _message(error: ValidationError, kind: type[Entry], name: str, path: str) -> str:
    """The first problem in one line: file, entry, field, what is wrong, what is allowed."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "entry"
    head = f"{path}: {kind.collection} {name!r}: {where}: "
    if first["type"] == "extra_forbidden":
        allowed = [f for f in kind.model_fields if f not in ("id",)] + ["from"]
        return f"{head}unknown field{nearest(where, allowed)}; allowed: {listed(allowed, 60)}"
    if first["type"] == "missing":
        return f"{head}is missing"
    told = first["msg"].removeprefix("Value error, ")
    return head + told[:1].lower() + told[1:]
