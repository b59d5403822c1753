"""What the readers of formats share: walking folders, patterns of paths, safe XML and YAML."""
