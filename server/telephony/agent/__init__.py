"""The agent's side: codes and keys of the phone, holding, transfers, listening in. Begin with `features`."""
