"""Convert collected CSV files of hardware, places and prices into the catalog's YAML.

Run once for each new collection of facts: `python scripts/build_catalog.py ../shared/data`. The YAML is the source of
truth afterwards: read the difference before you keep it. What a row's notes say of single cells (read or recalled,
ranges where sources disagree) stands in `catalog_notes.py`.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import catalog_notes as notes

OUT = Path(__file__).parent.parent / "src/navarch/catalog/data"
Row = dict[str, str]
_PLAIN = re.compile(r"^[A-Za-z][A-Za-z0-9 ./()+_&-]*$")
_RESERVED = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}


def number(text: str) -> float | int:
    value = float(text)
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        shown = repr(value)
        return shown.replace("e", ".0e") if "e" in shown and "." not in shown else shown
    if isinstance(value, int):
        return str(value)
    plain = _PLAIN.match(value) and value.lower() not in _RESERVED and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


def block(key: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"{key}: {{" + ", ".join(f"{k}: {scalar(v)}" for k, v in value.items()) + "}"
    return f"{key}: {scalar(value)}"


def write(name: str, comment: str, header: dict[str, Any], entries: Iterable[dict[str, Any]]) -> None:
    lines = [f"# {comment}"]
    for key, value in header.items():
        if isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()):
            lines += [f"{key}:", *(f"  {block(k, v)}" for k, v in value.items())]
        elif isinstance(value, dict):
            lines += [f"{key}:", *(f"  {k}: {json.dumps(v)}" for k, v in value.items())]
        else:
            lines.append(block(key, value))
    lines.append("entries:")
    for entry in entries:
        stated = [block(k, v) for k, v in entry.items() if v not in ("", None, {})]
        lines += [f"  - {stated[0]}", *(f"    {line}" for line in stated[1:])]
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def head(row: Row, evidence: str, **named: str) -> dict[str, Any]:
    """Id, name and origin of a row; a recalled row is an estimate."""
    url = row.get("source_url", "")
    recalled = row["source_check"] == "recalled"
    return {
        "id": row["id"],
        "name": row.get("name") or row.get("item") or "",
        **named,
        "source": row.get("source")
        or (f"{_site(url)}{' (recalled)' if recalled else ''}" if url else "planning value (recalled)"),
        "url": url,
        "evidence": "estimate" if recalled else evidence,
        "note": row.get("notes", ""),
    }


def _site(url: str) -> str:
    host, _, path = re.sub(r"^https?://(www\.)?", "", url).partition("/")
    if host in ("github.com", "raw.githubusercontent.com"):
        return "/".join(path.split("/")[:2])
    return {"arxiv.org": f"arXiv:{path.removeprefix('abs/')}"}.get(host, host)


def facts(
    row: Row, columns: dict[str, str], special: dict[str, dict[str, Any]], recalled: Iterable[str]
) -> dict[str, Any]:
    """The measured cells of a row: a plain number, or a mapping where more is known of it."""
    made: dict[str, Any] = {}
    for column, attribute in columns.items():
        if not row[column]:
            continue
        value: Any = number(row[column])
        more = dict(special.get(attribute, {}))
        if attribute in recalled and row["source_check"] != "recalled":
            more.setdefault("kind", "estimate")
        made[attribute] = {"value": value, **more} if more else value
    return made | {k: v for k, v in special.items() if k not in made and "value" in v}


def rows(data: Path, name: str) -> list[Row]:
    with (data / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def grouped(items: list[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for item in items:
        groups.setdefault(re.sub(r"[^a-z0-9]+", "-", key(item).lower()).strip("-"), []).append(item)
    return groups


RATES = {f"{k}_tflops": k for k in ("fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "fp4")} | {"int8_tops": "int8"}
ACCELERATOR = RATES | {
    "memory_gb": "memory", "memory_bandwidth_gb_s": "memory_bandwidth", "l2_mb": "l2", "sm_count": "sm_count",
    "boost_clock_mhz": "boost_clock", "tdp_w": "tdp", "process_nm": "process",
    "scaleup_bandwidth_gb_s_per_direction": "scaleup_bandwidth",
}  # fmt: skip


def accelerators(data: Path) -> None:
    units = dict.fromkeys(RATES.values(), "TFLOP/s") | {
        "memory": "GB", "memory_bandwidth": "GB/s", "l2": "MB", "sm_count": "1", "boost_clock": "MHz", "tdp": "W",
        "process": "nm", "scaleup_bandwidth": "GB/s", "power_min": "W", "temperature_limit": "degC",
        "embodied": "kgCO2e",
    }  # fmt: skip
    for vendor, group in grouped(rows(data, "catalog/accelerators.csv"), notes.accelerator_file).items():
        entries = []
        for row in group:
            recalled = notes.ACCELERATOR_RECALLED.get(row["id"], notes.SECONDARY)
            entry = head(row, "datasheet", vendor=row["vendor"])
            entry |= {
                "year": number(row["year"]),
                "memory_type": row["memory_type"],
                "scaleup_name": row["scaleup_name"],
            }
            entry |= {
                "pcie_generation": number(row["pcie_gen"]) if row["pcie_gen"] else None,
                "nic_note": row["nic_note"],
            }
            entry |= facts(row, ACCELERATOR, notes.ACCELERATOR.get(row["id"], {}), recalled)
            entries.append(entry)
        header = {"collection": "accelerator", "units": units}
        write(f"accelerator/{vendor}.yaml", notes.ACCELERATOR_COMMENT, header, entries)


def nodes(data: Path) -> None:
    columns = {
        "accelerators_per_node": "accelerators", "cpu_cores": "cpu_cores", "host_memory_gb": "host_memory",
        "local_nvme_tb": "local_nvme", "nics": "nics", "nic_gbit_s": "nic_bandwidth",
        "scaleup_domain_size": "scaleup_domain",
        "scaleup_bandwidth_gb_s_per_direction_per_accelerator": "scaleup_bandwidth", "power_max_kw": "power",
        "rack_units": "rack_units", "list_price_usd": "price",
    }  # fmt: skip
    units = {"host_memory": "GB", "local_nvme": "TB", "nic_bandwidth": "Gb/s", "scaleup_bandwidth": "GB/s"}
    units |= {"power": "kW", "price": "USD"}
    entries = []
    for row in rows(data, "catalog/nodes.csv"):
        special = {k: dict(v) for k, v in notes.NODE.get(row["id"], {}).items()}
        if row["list_price_usd"] and row["id"] in notes.NODE_PRICE_LEFT_OUT:
            row["list_price_usd"] = ""
        if row["list_price_usd"]:
            kind = "estimate" if row["price_kind"] == "estimate" else "published"
            special["price"] = {"kind": kind, "date": row["price_date"], **special.get("price", {})}
        entry = head(row, "datasheet", accelerator=row["accelerator_id"], cpu=row["cpu"])
        entries.append(entry | facts(row, columns, special, notes.NODE_RECALLED.get(row["id"], ())))
    write("node.yaml", notes.NODE_COMMENT, {"collection": "node", "units": units}, entries)


def fabrics(data: Path) -> None:
    columns = {
        "bandwidth_gbit_s_per_direction": "bandwidth", "latency_us": "latency", "ports": "ports",
        "port_gbit_s": "port_bandwidth", "power_w": "power", "price_usd": "price",
    }  # fmt: skip
    units = {"bandwidth": "Gb/s", "latency": "us", "port_bandwidth": "Gb/s", "power": "W", "price": "USD"}
    entries = []
    for row in rows(data, "catalog/fabrics.csv"):
        special = {k: dict(v) for k, v in notes.FABRIC.get(row["id"], {}).items()}
        if row["price_usd"]:
            price = float(row["price_usd"])
            special["price"] = {"low": round(price * 0.6, 2), "high": round(price * 1.4, 2), "kind": "estimate",
                                "date": row["price_date"]}  # fmt: skip
        recalled = notes.FABRIC_RECALLED.get(row["id"], ())
        recalled = recalled if row["id"] in notes.FABRIC_LATENCY_READ else (*recalled, "latency")
        entry = head(row, "datasheet", kind=row["kind"])
        entries.append(entry | facts(row, columns, special, recalled))
    write("fabric.yaml", notes.FABRIC_COMMENT, {"collection": "fabric", "units": units}, entries)


def storage(data: Path) -> None:
    columns = {
        "read_gb_s_per_unit": "read_bandwidth", "write_gb_s_per_unit": "write_bandwidth", "iops_per_unit": "iops",
        "latency_ms": "latency", "capacity_tb_per_unit": "capacity", "power_w_per_unit": "power",
        "price_usd_per_tb_month": "rent", "capex_usd_per_tb": "capex",
    }  # fmt: skip
    units = {"read_bandwidth": "GB/s", "write_bandwidth": "GB/s", "iops": "1/s", "latency": "ms", "capacity": "TB"}
    units |= {"power": "W", "rent": "USD/(TB*month)", "capex": "USD/TB"}
    entries = []
    for row in rows(data, "catalog/storage_systems.csv"):
        entry = head(row, "published", kind=row["kind"], unit_of_scale=row["unit_of_scale"])
        entry["request_limits"] = row["request_limits"]
        recalled = notes.STORAGE_RECALLED.get(row["id"], ())
        entries.append(entry | facts(row, columns, notes.STORAGE.get(row["id"], {}), recalled))
    write("storage.yaml", notes.STORAGE_COMMENT, {"collection": "storage", "units": units}, entries)


def regions(data: Path) -> None:
    units = {"grid_intensity": "gCO2e/kWh", "electricity_price": "USD/kWh", "pue": "1", "wue": "L/kWh"}
    sources: dict[str, dict[str, Any]] = {}

    def origin(prefix: str, told: str, date: str) -> str:
        key = next((k for k, v in sources.items() if (v["source"], v.get("date", "")) == (told, date)), "")
        if not key:
            key = f"{prefix}-{1 + sum(k.startswith(prefix) for k in sources)}"
            sources[key] = {"source": told, "url": notes.region_url(told), "kind": "published"}
            sources[key] |= {"date": date} if date else {}
        return key

    entries = []
    for row in rows(data, "catalog/regions.csv"):
        entry = head(row | {"name": region_name(row)}, "published")
        entry.pop("url")
        entry["source"] = "" if row["grid_source"] or row["price_source"] else "no source stated"
        entry |= {k: row[k] for k in ("provider", "region", "place", "country")}
        entry |= {"lat": float(row["lat"]), "lon": float(row["lon"]), "water_stress": row["water_stress"]}
        cells = (
            ("grid_intensity", row["grid_gco2e_kwh"], "grid", row["grid_source"], row["grid_year"]),
            (
                "electricity_price",
                row["electricity_usd_kwh_industrial"],
                "price",
                row["price_source"],
                row["price_year"],
            ),
            ("pue", row["pue"], "pue", row["pue_source"], ""),
            ("wue", row["wue_l_kwh"], "wue", row["pue_source"].replace("PUE", "WUE"), ""),
        )
        for attribute, cell, prefix, told, date in cells:
            if cell:
                entry[attribute] = {"value": number(cell), "from": origin(prefix, told, date)}
        entry["source"] = entry["source"] or "see each figure"
        entries.append(entry)
    header = {"collection": "region", "units": units, "sources": sources}
    write("region.yaml", notes.REGION_COMMENT, header, entries)


def region_name(row: Row) -> str:
    if row["provider"] == "generic":
        return f"{row['country']}, {row['place']}"
    return f"{row['provider']} {row['region']} ({row['place']})"


def prices(data: Path) -> None:
    entries = []
    for row in rows(data, "catalog/prices.csv"):
        unit, per = notes.PRICE_UNIT[row["unit"]]
        low, high = notes.PRICE_RANGE.get(row["id"], (None, None))
        if low is None and row["kind"] == "estimate" and row["source_check"] == "recalled":
            low, high = round(float(row["value_usd"]) * 0.6, 4), round(float(row["value_usd"]) * 1.4, 4)
        entry = head(row, "published")
        value = number(row["value_usd"])
        value = value / 1000 if "1,000" in row["unit"] else value
        entry |= {
            "item": row["item"],
            "per": per,
            "terms": row["kind"],
            "date": row["date"],
            "value": value,
            "unit": unit,
        }
        entry["evidence"] = "estimate" if row["kind"] == "estimate" else entry["evidence"]
        entries.append(entry | {"low": low, "high": high})
    entries.append(notes.GAUDI3_KIT)
    hourly = [e for e in entries if e["unit"] == "USD/h"]
    for name, group in (("accelerator-hours", hourly), ("others", [e for e in entries if e not in hourly])):
        write(f"price/{name}.yaml", notes.PRICE_COMMENT, {"collection": "price"}, group)


def laws(data: Path) -> None:
    entries = []
    for row in rows(data, "catalog/scaling_laws.csv"):
        value = float(row["value"])
        low, high, note = notes.law_interval(value, row["low"], row["high"], row["interval_kind"])
        unit, unit_note = notes.LAW_UNIT[row["unit"]]
        told = ". ".join(t.rstrip(".") for t in (row["notes"], unit_note, note) if t)
        entry = head(row | {"notes": told, "name": f"{row['parameter']} of {row['law']}"}, "published")
        entry |= {"law": row["law"], "parameter": row["parameter"], "value": number(row["value"]), "unit": unit}
        entries.append(entry | {"low": low, "high": high})
    write("law.yaml", notes.LAW_COMMENT, {"collection": "law"}, entries)


def main(data: Path) -> None:
    import build_models

    for convert in (accelerators, nodes, fabrics, storage, regions, prices, laws):
        convert(data)
    build_models.models(data)
    build_models.other_models(data)
    for source, table in (
        ("reliability/interruptions.csv", "interruptions"),
        ("reliability/checkpoints.csv", "checkpoints"),
        ("catalog/training_facts.csv", "training_facts"),
    ):
        (OUT / "tables" / f"{table}.csv").write_bytes((data / source).read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
