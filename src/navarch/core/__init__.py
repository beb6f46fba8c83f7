"""What every room uses: units, equations and their ledger, uncertainty, plots."""
