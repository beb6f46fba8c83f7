"""The kinds of value that a design file holds, and what every section has in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from navarch.design.amount import Amount, Unit

Duration = Annotated[Amount, Unit("s", minimum=0, exclusive=True, example="90 days")]
Pause = Annotated[Amount, Unit("s", minimum=0, example="5 min")]
Latency = Annotated[Amount, Unit("s", minimum=0, exclusive=True, example="800 ms")]
Count = Annotated[Amount, Unit("1", minimum=1, whole=True, example="8")]
CountOrNone = Annotated[Amount, Unit("1", minimum=0, whole=True, example="24")]
Stage = Annotated[Amount, Unit("1", minimum=0, maximum=3, whole=True, example="1")]
Number = Annotated[Amount, Unit("1", minimum=0, exclusive=True, example="1.5")]
FromOne = Annotated[Amount, Unit("1", minimum=1, example="1.2")]
People = Annotated[Amount, Unit("1", minimum=0, example="12")]
Share = Annotated[Amount, Unit("fraction", minimum=0, maximum=1, example="20 %")]
OpenShare = Annotated[Amount, Unit("fraction", minimum=0, maximum=1, exclusive=True, example="5 %")]
Increase = Annotated[Amount, Unit("fraction", minimum=0, exclusive=True, example="50 %")]
Tokens = Annotated[Amount, Unit("token", minimum=0, exclusive=True, bare=True, example="15.6e12 tokens")]
TokenCount = Annotated[Amount, Unit("token", minimum=1, whole=True, bare=True, example="8192")]
MeanTokens = Annotated[Amount, Unit("token", minimum=1, bare=True, example="1500")]
Computation = Annotated[Amount, Unit("FLOP", minimum=0, exclusive=True, example="3.8e25 FLOP")]
Bytes = Annotated[Amount, Unit("byte", minimum=0, exclusive=True, example="20 PB")]
BytesPerToken = Annotated[Amount, Unit("byte/token", minimum=0, exclusive=True, example="4 byte/token")]
Bandwidth = Annotated[Amount, Unit("byte/s", minimum=0, exclusive=True, example="2 TB/s")]
Power = Annotated[Amount, Unit("W", minimum=0, exclusive=True, example="30 MW")]
FailureRate = Annotated[Amount, Unit("1/s", minimum=0, example="2e-5 /h")]
RequestRate = Annotated[Amount, Unit("request/s", minimum=0, exclusive=True, example="1e9 requests/day")]
Temperature = Annotated[Amount, Unit("degC", minimum=-60, maximum=85, example="25 degC")]
Money = Annotated[Amount, Unit("USD", minimum=0, exclusive=True, example="2e9 USD")]
Price = Annotated[Amount, Unit("USD", minimum=0, example="250000 USD")]
MoneyRate = Annotated[Amount, Unit("USD/s", minimum=0, example="2.50 USD/h")]
EnergyPrice = Annotated[Amount, Unit("USD/J", minimum=0, example="0.08 USD/kWh")]
GridIntensity = Annotated[Amount, Unit("kgCO2e/J", minimum=0, example="0.25 kgCO2e/kWh")]
WaterIntensity = Annotated[Amount, Unit("L/J", minimum=0, example="1.8 L/kWh")]
Carbon = Annotated[Amount, Unit("kgCO2e", minimum=0, exclusive=True, example="12e6 kgCO2e")]

Seed = Annotated[int, Field(ge=0, lt=2**63)]
ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
SOME_LINES = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=ONE_LINE)]
Text = Annotated[str, StringConstraints(max_length=4000, strip_whitespace=True, pattern=SOME_LINES)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True, pattern=ONE_LINE)]


class Section(BaseModel):
    """One section of the design file. A field that is None was left out: navarch chooses it, or takes a default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def optional(title: str, description: str, **more: Any) -> Any:
    """Declare an optional field of the design file: its title and what it means."""
    return Field(default=None, title=title, description=description, **more)


def required(title: str, description: str, **more: Any) -> Any:
    """Declare a field that every design file must have."""
    return Field(title=title, description=description, **more)
