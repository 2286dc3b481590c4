"""How are programs proposed, scored, recorded, resumed? Evolution, journal, config, command line."""
