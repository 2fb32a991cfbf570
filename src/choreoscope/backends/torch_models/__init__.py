"""What back ends with networks share: devices, brought weights, pictures as networks want them."""
