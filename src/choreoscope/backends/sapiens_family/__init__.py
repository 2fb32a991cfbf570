"""What the back ends of the Sapiens family share: class names, preparing crops, licences."""
