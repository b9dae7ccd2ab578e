"""What tests share: servers, sample reports, golden files, and how to reach them."""
