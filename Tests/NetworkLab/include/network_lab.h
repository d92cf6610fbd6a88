// Gives the calling thread a network of its own, with nothing in it. 0, or a negated errno.
int lab_enter_new_network(void);
