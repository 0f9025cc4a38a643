"""The whole job for people who write no YAML: audit, split, freeze, plan, rehearse, train, evaluate, export, report."""
