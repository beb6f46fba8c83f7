"""What the notes of the collected rows say of single cells: recalled ones, and ranges where sources disagree."""

from __future__ import annotations

from typing import Any

ACCELERATOR_COMMENT = "Dense peak rates; bandwidths per direction; memory as the vendor prints it (GB = 1e9 byte)."
NODE_COMMENT = "Servers, racks and cloud shapes. Bandwidths per direction; memory as printed (GB = 1e9 byte)."
FABRIC_COMMENT = "Links, switches and cables. Bandwidths per direction; power of optics per end; prices within 40 %."
STORAGE_COMMENT = "Each figure per one unit_of_scale of the system."
REGION_COMMENT = "Grid intensities are location-based; PUE and WUE mostly averages of the provider."
PRICE_COMMENT = "Dated prices. `per` says of what one is priced; estimates carry a low and a high."
LAW_COMMENT = (
    "Fitted constants of scaling laws and trends; low and high bound 80 % (see the note for what was published)."
)

SECONDARY = ("l2",)
_RATES = ("fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "fp4", "int8")
ACCELERATOR_RECALLED: dict[str, tuple[str, ...]] = {
    "v100-sxm2-32gb": ("memory", "memory_bandwidth", "l2", "sm_count", "boost_clock", "tdp"),
    "a10": ("tf32", "int8", "l2", "tdp"),
    "a10g": ("fp32", "tf32", "int8", "l2", "sm_count", "boost_clock", "tdp"),
    "l4": ("fp32", "tf32", "int8", "l2", "sm_count", "boost_clock"),
    "t4": ("l2", "sm_count", "boost_clock", "tdp"),
    "h100-pcie": ("l2", "int8", "boost_clock"),
    "h100-nvl": ("l2", "int8", "fp64", "fp32", "tf32", "boost_clock"),
    "h20": ("fp64", "fp32", "tf32", "int8", "l2", "sm_count", "boost_clock"),
    "gh200-96gb": ("l2", "tdp"),
    "gb200": ("l2", "fp64", "boost_clock"),
    "gb300": ("fp64", "fp32", "tf32", "fp16", "scaleup_bandwidth"),
    "rtx-4090": ("int8", "l2", "sm_count", "boost_clock", "tdp"),
    "rtx-pro-6000-blackwell-server": ("memory_bandwidth", "l2"),
    "mi350x": (*_RATES, "l2"),
    "tpu-v3": ("scaleup_bandwidth", "boost_clock"),
    "tpu-v4": ("tdp", "int8", "boost_clock"),
    "tpu-v6e": ("int8",),
    "trainium1": ("scaleup_bandwidth",),
    "inferentia2": ("scaleup_bandwidth",),
    "jetson-orin-nano-8gb": ("fp16", "fp32"),
    "jetson-agx-orin-64gb": ("fp16", "l2", "boost_clock"),
    "jetson-thor-t5000": ("fp8", "fp32", "sm_count", "boost_clock"),
    "apple-m2": ("fp32", "memory", "tdp"),
    "snapdragon-8-elite": ("memory",),
    "coral-edge-tpu": ("memory",),
}
_EDGE = {"kind": "estimate", "source": "module data sheet or developer guide (recalled)"}
_ECOLOGITS = (
    "EcoLogits 0.11.3, impacts of a GPU of 80 GB; the low end is NVIDIA's HGX H100 footprint of 1,312 kg a board"
)
ACCELERATOR: dict[str, dict[str, dict[str, Any]]] = {
    "a100-sxm-80gb": {"embodied": {"value": 150, "kind": "estimate", "source": "Luccioni et al. 2022 (recalled)",
                                   "url": "https://arxiv.org/abs/2211.02001"}},
    "h100-sxm": {"embodied": {"value": 273, "low": 164, "high": 273, "kind": "published", "source": _ECOLOGITS,
                              "url": "https://github.com/genai-impact/ecologits"}},
    "b200-sxm": {"memory_bandwidth": {"low": 7670, "high": 8000}},
    "b300-sxm": {"fp4": {"low": 12600, "high": 15000}, "tdp": {"low": 1000, "high": 1400},
                 "memory_bandwidth": {"low": 7700, "high": 8000}},
    "gb300": {"fp4": {"low": 12600, "high": 15000}},
    "gb10-dgx-spark": {k: {"kind": "measured"} for k in ("bf16", "fp16", "fp8", "fp4")},
    "tpu-v3": {"bf16": {"low": 123, "high": 140}},
    "gaudi3": {"bf16": {"low": 1677, "high": 1835}, "fp8": {"low": 1677, "high": 1835}},
    "rubin-r100": {k: {"kind": "estimate", "note": "announced, before release"} for k in _RATES},
    "mi455x": {k: {"kind": "estimate", "note": "announced, vendor projection; sparsity undeclared"} for k in _RATES},
    "jetson-nano": {"power_min": {"value": 5, **_EDGE}, "temperature_limit": {"value": 97, **_EDGE}},
    "jetson-orin-nano-8gb": {"power_min": {"value": 7, **_EDGE}, "temperature_limit": {"value": 99, **_EDGE}},
    "jetson-agx-orin-64gb": {"power_min": {"value": 15}, "temperature_limit": {"value": 99, **_EDGE}},
    "jetson-thor-t5000": {"power_min": {"value": 40}},
    "snapdragon-8-gen3": {"power_min": {"value": 1, **_EDGE}},
    "coral-edge-tpu": {"power_min": {"value": 0.5, **_EDGE}},
    "raspberry-pi-5": {"power_min": {"value": 3, **_EDGE}, "temperature_limit": {"value": 85, **_EDGE}},
    "rtx-4090": {"temperature_limit": {"value": 90, **_EDGE}},
}  # fmt: skip


def accelerator_file(row: dict[str, str]) -> str:
    """The file of a vendor's chips; small vendors and edge chips stand together."""
    if row["vendor"] in ("NVIDIA", "AMD", "Google", "AWS") and not row["id"].startswith(("jetson", "coral")):
        return row["vendor"]
    return "others" if row["vendor"] in ("Intel", "Cerebras") else "edge"


NODE_RECALLED: dict[str, tuple[str, ...]] = {
    "dgx-1v": ("power", "nics", "nic_bandwidth"),
    "dgx-b300": ("host_memory", "local_nvme"),
    "gb200-nvl72": ("power", "rack_units"),
    "hgx-h200-8": ("local_nvme", "power", "rack_units"),
    "hgx-b200-8": ("host_memory", "local_nvme", "power", "rack_units"),
    "gaudi3-8-oam": ("cpu_cores", "host_memory", "power", "rack_units"),
    "aws-p5-48xlarge": ("local_nvme",),
    "aws-p6-b200-48xlarge": ("local_nvme",),
    "aws-p6-b300-48xlarge": ("host_memory", "local_nvme"),
    "aws-trn1-32xlarge": ("local_nvme",),
    "azure-nd96amsr-a100-v4": ("nic_bandwidth",),
    "azure-nd-gb200-v6": ("nics", "nic_bandwidth"),
    "azure-nd-gb300-v6": ("nics", "nic_bandwidth"),
    "azure-nd-mi300x-v5": ("nic_bandwidth",),
    "gcp-a3-highgpu-8g": ("cpu_cores", "host_memory", "local_nvme"),
    "gcp-a3-megagpu-8g": ("cpu_cores", "host_memory", "local_nvme"),
    "gcp-a3-ultragpu-8g": ("cpu_cores", "host_memory", "local_nvme"),
    "tpu-v4-pod": ("cpu_cores", "host_memory"),
    "tpu-v5p-pod": ("cpu_cores", "host_memory"),
    "tpu-v5e-pod": ("cpu_cores",),
    "tpu-v6e-pod": ("cpu_cores",),
    "tpu-v7x-pod": ("cpu_cores", "host_memory"),
}
NODE: dict[str, dict[str, dict[str, Any]]] = {
    "dgx-h100": {"price": {"low": 373000, "high": 450000}},
    "dgx-b300": {"host_memory": {"low": 2048, "high": 4096}},
    "gb200-nvl72": {"price": {"low": 2000000, "high": 3500000}, "power": {"low": 120, "high": 132}},
    "gb300-nvl72": {"price": {"low": 3000000, "high": 4000000}, "power": {"low": 135, "high": 142}},
    "hgx-h100-8": {"price": {"low": 220000, "high": 330000}},
}
NODE_PRICE_LEFT_OUT = ("gaudi3-8-oam",)
GAUDI3_KIT = {
    "id": "gaudi3-kit-2024", "name": "Intel Gaudi3 kit: 8 OAM and baseboard", "source": "nextplatform.com",
    "url": "https://www.nextplatform.com/2024/06/13/stacking-up-intel-gaudi-against-nvidia-gpus-for-ai/",
    "evidence": "published", "note": "Intel's list price of the kit, not of a server.",
    "item": "Intel Gaudi3 kit: 8 OAM and baseboard", "per": "kit", "terms": "list", "date": "2024-06",
    "value": 125000, "unit": "USD",
}  # fmt: skip

FABRIC_LATENCY_READ = ("ib-edr", "ib-hdr", "qm9700")
FABRIC_RECALLED: dict[str, tuple[str, ...]] = {
    "nvswitch-gen2": ("ports", "port_bandwidth", "bandwidth"),
    "nvswitch-gen4": ("ports", "port_bandwidth", "bandwidth"),
    "qm8700": ("power",),
    "qm9700": ("power",),
    "dac-800g-twin": (),
    "tomahawk5": ("power",),
}
FABRIC: dict[str, dict[str, dict[str, Any]]] = {
    "ib-ndr": {"latency": {"low": 0.6, "high": 2}},
    "qm9700": {"latency": {"low": 0.15, "high": 0.33}, "power": {"low": 747, "high": 1720}},
    "qm8700": {"latency": {"low": 0.09, "high": 0.13}},
    "tomahawk5": {"power": {"low": 450, "high": 500}},
    "ici-v3": {"bandwidth": {"low": 2240, "high": 3200}},
    "aoc-400g": {"power": {"low": 7, "high": 9}},
}
STORAGE_RECALLED: dict[str, tuple[str, ...]] = {
    "nvme-gen4": ("capacity", "latency", "power", "capex"),
    "nvme-gen5": ("latency", "power", "capex"),
    "nvme-qlc-61": ("capex",),
    "wekapod-nitro": ("write_bandwidth", "iops", "capacity"),
    "s3-standard": ("read_bandwidth", "write_bandwidth", "latency"),
    "gcs-standard": ("latency",),
    "azure-blob": ("latency",),
    "hdd-24tb": ("iops", "latency", "power", "capex"),
}
STORAGE: dict[str, dict[str, dict[str, Any]]] = {
    "ddn-ai400x2": {"read_bandwidth": {"low": 90, "high": 120}, "write_bandwidth": {"low": 65, "high": 75}},
    "s3-standard": {"latency": {"low": 100, "high": 200}},
}


def region_url(told: str) -> str:
    """Where a stated source of regional figures is to be found."""
    for words, url in (
        ("region-carbon-info", "https://github.com/GoogleCloudPlatform/region-carbon-info"),
        ("codecarbon", "https://github.com/mlco2/codecarbon"),
        ("EIA", "https://www.eia.gov/electricity/annual/secrev-map.php"),
        ("Eurostat", "https://ec.europa.eu/eurostat/statistics-explained/index.php?title=Electricity_price_statistics"),
        ("AWS", "https://sustainability.aboutamazon.com"),
        ("Google", "https://www.google.com/about/datacenters/efficiency/"),
        ("Microsoft", "https://datacenters.microsoft.com/sustainability/efficiency/"),
    ):
        if words in told:
            return url
    return ""


PRICE_UNIT: dict[str, tuple[str, str]] = {
    "USD per accelerator-hour": ("USD/h", "accelerator and hour"),
    "USD per server": ("USD", "server"),
    "USD per accelerator": ("USD", "accelerator"),
    "USD per rack": ("USD", "rack"),
    "USD per switch": ("USD", "switch"),
    "USD per module": ("USD", "module"),
    "USD per cable": ("USD", "cable"),
    "USD per GB-month": ("USD/(GB*month)", "capacity and time"),
    "USD per 1,000 requests": ("USD/request", "request"),
    "USD per GB": ("USD/GB", "data moved"),
    "USD per kWh": ("USD/kWh", "energy"),
    "USD per kW-month": ("USD/(kW*month)", "power and time"),
    "USD per MW of IT": ("USD/MW", "power of IT"),
    "USD per person-year": ("USD/year", "person and year"),
    "USD per TB": ("USD/TB", "capacity"),
}
PRICE_RANGE: dict[str, tuple[float, float]] = {
    "dc-build": (10e6, 15e6),
    "optic-800g-2xdr4": (700, 1500),
    "optic-400g-dr4": (400, 900),
}

LAW_UNIT: dict[str, tuple[str, str]] = {
    "": ("1", ""),
    "non-embedding parameters": ("parameter", "parameters without embeddings"),
    "tokens": ("token", ""),
    "PF-days": ("PFLOP/s*day", ""),
    "steps": ("1", "optimiser steps"),
    "nats/token": ("1", "nats a token"),
    "repetitions": ("1", "repetitions"),
    "non-embedding FLOP/token": ("FLOP/token", "FLOP of the non-embedding part"),
    "months": ("month", ""),
    "1/year": ("1/year", ""),
    "x/year": ("1", "growth factor a year"),
    "parameters": ("parameter", ""),
}
_TO_80 = {"10th": 1.0, "1 standard error": 1.2816, "95 %": 1.2816 / 1.96, "90 %": 1.2816 / 1.6449}


def law_interval(value: float, low: str, high: str, kind: str) -> tuple[float | None, float | None, str]:
    """Low and high of 80 %, from the interval that was published, with what was done to it."""
    if not low or not high:
        return None, None, ""
    factor = next(f for words, f in _TO_80.items() if words in kind)
    below, above = value - (value - float(low)) * factor, value + (float(high) - value) * factor
    note = f"published interval {low} to {high}: {kind}"
    note += "" if factor == 1.0 else "; scaled to 80 % as if normal on each side"
    if below > value or above < value:
        below, above, note = min(below, value), max(above, value), note + "; widened to hold the rounded value"
    return float(f"{below:.6g}"), float(f"{above:.6g}"), note
