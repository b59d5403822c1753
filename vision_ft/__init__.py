"""Fine-tune pretrained vision backbones on your own pictures, and see why the model errs."""
