"""`loyalty program`: the documents of the programme as files, checked and published."""
