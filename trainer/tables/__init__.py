"""The paper's four tables: which trainings they need, how they are run, and what follows from them."""
