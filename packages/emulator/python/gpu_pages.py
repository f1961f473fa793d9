"""The pages of `nvidia-smi` for people, as lines: the list, the table, and everything."""

import time


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
