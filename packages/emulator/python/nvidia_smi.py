"""`nvidia-smi` for a machine whose GPU is pretended: its table, `-L`, `-q`, `--query-gpu`, `--query-compute-apps`, `-l`.

    nvidia_smi.py MACHINE.JSON [OPTION]...

Standard library only.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import gpu

WRONG, NO_DEVICE = 2, 6
UNITS = {"memory": " MiB", "utilization": " %", "power": " W", "clocks": " MHz", "used_memory": " MiB"}
ALIASES = {
    "gpu_name": "name", "gpu_uuid": "uuid", "gpu_bus_id": "pci.bus_id", "clocks.current.sm": "clocks.sm", "clocks.gr": "clocks.sm",
    "clocks.current.memory": "clocks.mem", "used_gpu_memory": "used_memory", "process_name": "process_name", "name": "name",
}
MISSING = ("fan.speed", "mig.mode.current", "ecc.mode.current", "gpu_serial", "serial", "display_active", "temperature.memory")
HELP = """NVIDIA System Management Interface, as the cgpu emulator has it

    nvidia-smi [OPTION1 [ARG1]] [OPTION2 [ARG2]] ...

    -h, --help                  this text
    -L, --list-gpus             the GPUs
    -i, --id=N                  of this GPU
    -q, --query                 everything
    --query-gpu=FIELDS          of: %s
    --query-compute-apps=FIELDS of: timestamp, gpu_name, gpu_uuid, gpu_bus_id, pid, process_name, used_memory
    --format=csv[,noheader][,nounits]
    -l, --loop=SECONDS          again and again; --loop-ms=MILLISECONDS
"""


class Stop(Exception):
    def __init__(self, status, text):
        self.status, self.text = status, text


def main(path, words):
    options = parse(words)
    while True:
        found = gpu.read(path)
        if options["id"] is not None:
            found = [one for one in found if options["id"] in (str(one["index"]), one["uuid"], one["pci.bus_id"])]
            if not found:
                raise Stop(NO_DEVICE, "No devices were found")
        if not found:
            raise Stop(NO_DEVICE, "No devices were found")
        print("\n".join(options["show"](found, options)), flush=True)
        if options["every"] is None:
            return
        # with a header once, as the program does
        options["format"] = options["format"] | {"noheader"}
        time.sleep(options["every"])


def parse(words):
    options = {"id": None, "every": None, "format": frozenset(), "fields": [], "show": table}
    words = list(words)
    while words:
        name, equals, value = words.pop(0).partition("=")

        def argument():
            if equals:
                return value
            if not words:
                raise wrong()
            return words.pop(0)

        if name in ("-h", "--help"):
            raise Stop(0, HELP % ", ".join(sorted(known_fields())))
        elif name in ("-L", "--list-gpus"):
            options["show"] = listed
        elif name in ("-q", "--query"):
            options["show"] = everything
        elif name in ("-d", "--display"):
            argument()
        elif name in ("-i", "--id"):
            options["id"] = argument()
        elif name in ("-l", "--loop"):
            options["every"] = number(value or (words.pop(0) if words and words[0].isdigit() else "5"))
        elif name in ("-lms", "--loop-ms"):
            options["every"] = number(argument()) / 1000
        elif name == "--format":
            options["format"] = frozenset(argument().split(","))
        elif name == "--query-gpu":
            options["show"], options["fields"] = gpu_rows, fields(argument(), known_fields())
        elif name in ("--query-compute-apps", "--query-accounted-apps"):
            options["show"], options["fields"] = app_rows, fields(argument(), ["timestamp", "name", "uuid", "pci.bus_id", "pid", "process_name", "used_memory"])
        else:
            raise wrong()
    if options["fields"] and "csv" not in options["format"]:
        raise Stop(WRONG, '"--format=" switch is missing or has no "csv": it is needed with --query')
    return options


def wrong():
    return Stop(WRONG, "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.")


def number(text):
    try:
        return max(0.001, float(text))
    except ValueError:
        raise wrong()


def known_fields():
    return sorted(set(SAMPLE) | set(MISSING) | set(ALIASES) | {"timestamp"})


SAMPLE = (
    "index", "count", "name", "uuid", "driver_version", "pci.bus_id", "compute_cap", "pstate", "memory.total", "memory.used", "memory.free",
    "memory.reserved", "utilization.gpu", "utilization.memory", "temperature.gpu", "power.draw", "power.limit", "clocks.sm", "clocks.mem",
)


def fields(text, known):
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if ALIASES.get(name, name) not in known:
            raise Stop(WRONG, 'Field "%s" is not a valid field to query.\n' % name)
    return asked


def gpu_rows(found, options):
    return csv([dict(one, timestamp=stamp()) for one in found], options)


def app_rows(found, options):
    about = ("name", "uuid", "pci.bus_id")
    return csv([dict({key: one[key] for key in about}, timestamp=stamp(), **app) for one in found for app in one["processes"]], options)


def stamp():
    return time.strftime("%Y/%m/%d %H:%M:%S.") + "%03d" % (time.time() % 1 * 1000)


def csv(rows, options):
    units = "nounits" not in options["format"]
    lines = [] if "noheader" in options["format"] else [", ".join(header(name) for name in options["fields"])]
    for row in rows:
        lines.append(", ".join(cell(row, name, units) for name in options["fields"]))
    return lines


def unit(name):
    name = ALIASES.get(name, name)
    return UNITS.get(name) or UNITS.get(name.partition(".")[0], "")


def header(name):
    return name + (" [%s]" % unit(name).strip() if unit(name) else "")


def cell(row, name, units):
    value = row.get(ALIASES.get(name, name))
    if value is None:
        return "[N/A]"
    text = "%.2f" % value if isinstance(value, float) else str(value)
    return text + (unit(name) if units else "")


def listed(found, _):
    return ["GPU %d: %s (UUID: %s)" % (one["index"], one["name"], one["uuid"]) for one in found]


def table(found, _):
    rule = "+-----------------------------------------+------------------------+----------------------+"
    lines = [
        time.strftime("%a %b %e %H:%M:%S %Y       "),
        "+" + "-" * 89 + "+",
        "| %-87s |" % ("NVIDIA-SMI %-22s Driver Version: %-14s CUDA Version: %s" % ((found[0]["driver_version"],) * 2 + (found[0]["cuda_version"],))),
        rule,
        "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |",
        "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |",
        "|                                         |                        |               MIG M. |",
        rule.replace("-", "="),
    ]
    for one in found:
        power = "%dW / %4dW" % (one["power.draw"], one["power.limit"])
        memory = "%dMiB / %6dMiB" % (one["memory.used"], one["memory.total"])
        lines += [
            "|%4d  %-30s Off |   %16s Off |                    0 |" % (one["index"], one["name"][:30], one["pci.bus_id"]),
            "| N/A  %3dC    %-2s %23s | %22s | %6d%%      Default |" % (one["temperature.gpu"], one["pstate"], power, memory, one["utilization.gpu"]),
            "|                                         |                        |                  N/A |",
            rule,
        ]
    lines += [
        "", "+" + "-" * 89 + "+",
        "| Processes:                                                                              |",
        "|  GPU   GI   CI        PID   Type   Process name                              GPU Memory |",
        "|        ID   ID                                                               Usage      |",
        "|" + "=" * 89 + "|",
    ]
    apps = [(one["index"], app) for one in found for app in one["processes"]]
    for index, app in apps:
        lines.append("| %4d   N/A  N/A %10d      C   %-37s %8dMiB   |" % (index, app["pid"], app["process_name"][-37:], app["used_memory"]))
    if not apps:
        lines.append("|  No running processes found                                                             |")
    return lines + ["+" + "-" * 89 + "+"]


def everything(found, _):
    lines = ["", "==============NVSMI LOG==============", ""]
    lines += [pair("Timestamp", time.strftime("%a %b %e %H:%M:%S %Y")), pair("Driver Version", found[0]["driver_version"]), pair("CUDA Version", found[0]["cuda_version"])]
    lines += ["", pair("Attached GPUs", len(found))]
    for one in found:
        lines += ["GPU " + one["pci.bus_id"], pair("Product Name", one["name"], 1), pair("GPU UUID", one["uuid"], 1), pair("Performance State", one["pstate"], 1)]
        lines += ["    FB Memory Usage"] + [pair(name, "%d MiB" % one[key], 2) for name, key in (("Total", "memory.total"), ("Reserved", "memory.reserved"), ("Used", "memory.used"), ("Free", "memory.free"))]
        lines += ["    Utilization"] + [pair(name, "%d %%" % one[key], 2) for name, key in (("Gpu", "utilization.gpu"), ("Memory", "utilization.memory"))]
        lines += ["    Temperature", pair("GPU Current Temp", "%d C" % one["temperature.gpu"], 2)]
        lines += ["    GPU Power Readings", pair("Power Draw", "%.2f W" % one["power.draw"], 2), pair("Current Power Limit", "%.2f W" % one["power.limit"], 2)]
        lines += ["    Clocks", pair("SM", "%d MHz" % one["clocks.sm"], 2), pair("Memory", "%d MHz" % one["clocks.mem"], 2)]
        lines += ["    Processes" if one["processes"] else pair("Processes", "None", 1)]
        for app in one["processes"]:
            lines += [pair("Process ID", app["pid"], 2), pair("Type", "C", 3), pair("Name", app["process_name"], 3), pair("Used GPU Memory", "%d MiB" % app["used_memory"], 3)]
    return lines + [""]


def pair(name, value, depth=0):
    return "%-50s: %s" % ("    " * depth + name, value)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except Stop as stop:
        print(stop.text)
        sys.exit(stop.status)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
