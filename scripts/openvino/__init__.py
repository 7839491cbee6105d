"""OpenVINO. Importing it, and converting with it, reports to its maker over the network; this room does neither."""

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # OpenVINO then takes its own empty stand-in
