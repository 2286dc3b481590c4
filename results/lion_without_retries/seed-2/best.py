# Candidate 1148 of repeat 0; fitness 0.1744 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    x1 = interp(g2, v, 0.46393207)
    x2 = sqrt(x1)
    update = interp(g, m, 0.5799322)
    update = update / x2
    decay = w * 0.28791183
    update = update + decay
    rate = lr * 1.8607125
    update = update * rate
    m = interp(g, m, 0.7610193)
    v = interp(g2, v, 0.8014229)
    return update, m, v
