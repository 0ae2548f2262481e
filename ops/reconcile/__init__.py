"""`loyalty reconcile`: the proof from the topics that nothing was lost, doubled or made up."""
