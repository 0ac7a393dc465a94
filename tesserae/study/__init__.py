"""The experiments of the paper, and those it leaves open: each a list of variants that are trained and judged by one path, then reported.

`catalogue` names them, `material` brings the mosaics, `running` trains and judges and keeps what is done, `report` writes it down.
"""
