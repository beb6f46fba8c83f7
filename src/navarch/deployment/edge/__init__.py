"""Edge: inference inside a thermal envelope, and the same request in the cloud.

`estimate` holds the equations of heat, sustained rate, energy, battery, network and split inference; `device` composes
them for one device and one request, on arrays or ledger values.
"""

from navarch.deployment.edge.device import (
    CloudEstimate,
    Conditions,
    Device,
    DeviceEstimate,
    Link,
    LocalModel,
    conditions_of,
    cooling_class,
    device_of,
    in_cloud,
    link_of,
    on_device,
    split,
)

__all__ = [
    "CloudEstimate",
    "Conditions",
    "Device",
    "DeviceEstimate",
    "Link",
    "LocalModel",
    "conditions_of",
    "cooling_class",
    "device_of",
    "in_cloud",
    "link_of",
    "on_device",
    "split",
]
