"""What the learned depth back ends share: preparing pictures, running networks, answering."""
