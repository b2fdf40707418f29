"""C sources in, loadable modules or the compiler's own words out."""
