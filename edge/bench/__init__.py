"""How fast, how late, how much power: engines one by one, the pipeline from sensor to label, sweeps and soaks."""
