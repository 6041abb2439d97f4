import argparse, sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).parent.parent))
from heading import heading
from beside import orders, columns
from beside.measuring import table
p=argparse.ArgumentParser(); p.add_argument("--alone"); p.add_argument("--only"); a=p.parse_args()
if a.alone: {**orders.ALONE, **columns.ALONE}[a.alone]()
else:
    print(heading()); print(table(globals()[a.only].lines()))
