"""`nvidia-smi` for a machine whose GPU is pretended: its table, `-L`, `-q`, `--query-gpu`, `--query-compute-apps`, `-l`.

    nvidia_smi.py MACHINE.JSON [OPTION]...

Standard library only.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import gpu
import gpu_pages

WRONG, NO_DEVICE = 2, 6
UNITS = {"memory": " MiB", "utilization": " %", "power": " W", "clocks": " MHz", "used_memory": " MiB"}
ALIASES = {
    "gpu_name": "name", "gpu_uuid": "uuid", "gpu_bus_id": "pci.bus_id", "clocks.current.sm": "clocks.sm", "clocks.gr": "clocks.sm",
    "clocks.current.memory": "clocks.mem", "used_gpu_memory": "used_memory",
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
    options = {"id": None, "every": None, "format": frozenset(), "fields": [], "show": gpu_pages.table}
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
            options["show"] = gpu_pages.listed
        elif name in ("-q", "--query"):
            options["show"] = gpu_pages.everything
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
    return sorted({*SAMPLE, *MISSING, "timestamp", *(alias for alias, name in ALIASES.items() if name in SAMPLE)})


SAMPLE = (
    "index", "count", "name", "uuid", "driver_version", "pci.bus_id", "compute_cap", "pstate", "memory.total", "memory.used", "memory.free",
    "memory.reserved", "utilization.gpu", "utilization.memory", "temperature.gpu", "power.draw", "power.limit", "clocks.sm", "clocks.mem",
)


def fields(text, known):
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name not in known and ALIASES.get(name) not in known:
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


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except Stop as stop:
        print(stop.text)
        sys.exit(stop.status)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
