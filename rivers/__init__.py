"""rivers: an orchestrator for data teams."""
