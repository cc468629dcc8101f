"""The learner-progress warehouse: landing → raw → staging → progress → marts → published."""
