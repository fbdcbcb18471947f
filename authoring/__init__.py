"""The authors' tools: execute notebooks, generate the exercises from their solutions."""
