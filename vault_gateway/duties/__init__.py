"""What a node does, a file each: its rooms are made and wired here. Which of them a node has, its settings say."""
