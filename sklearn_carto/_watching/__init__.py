"""Watch estimators of scikit-learn's kind learn, and record what they learn."""
