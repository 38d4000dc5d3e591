"""The table that scripts/bench and scripts/bench-rollout print: what was measured, the target, and whether it is met."""
import os
import platform
import subprocess

rows = []


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout or done.stderr).splitlines()[0]


def head(versions, runs):
    """The machine, the versions that the commands print, and how often things are run."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(open("/proc/meminfo").readline().split()[1]) // 1024
    print(f"machine   {os.cpu_count()} × {model}, {memory} MiB, {platform.release()}, load {os.getloadavg()[0]:.1f}")
    print("versions  " + " · ".join(first_line(*map(str, command)) for command in versions))
    print(f"runs      {runs}\n")
    print(f"{'measured':<72} {'':>9}  {'at most':<10} met", flush=True)


def row(work, value, target, unit="", detail=""):
    """One line of the table; a unit of its own stands after value and target."""
    good = value <= target
    rows.append(good)
    shown = f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.0f}"
    print(f"{work:<72} {shown + ' ' + unit:>9}  {f'{target:g} {unit}':<10} {'yes' if good else 'NO ':<4} {detail}",
          flush=True)


def summary():
    """Says how many targets were met. A miss is no failure: what is measured here depends on the machine."""
    print(f"\n{sum(rows)} of {len(rows)} targets met")
