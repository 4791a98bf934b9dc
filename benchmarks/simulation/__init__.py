"""A simulation of the online side: what calls wait for and cost, by traffic, memory and provisioned concurrency."""
