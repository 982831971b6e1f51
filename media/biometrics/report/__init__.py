"""What the product's own code reaches on labelled data: faces, clips, voices, head poses, documents."""
