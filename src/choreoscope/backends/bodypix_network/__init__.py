"""BodyPix, shared by its mattes and its parts."""
