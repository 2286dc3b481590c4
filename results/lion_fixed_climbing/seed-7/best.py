# Candidate 1009 of repeat 0; fitness 0.0170 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    rate = lr * 17.206472
    x1 = g2 * rate
    v = interp(x1, v, 0.6333074)
    x2 = sqrt(v)
    update = interp(g, m, 0.7612166)
    update = update / x2
    update = update + w
    update = update * lr
    m = interp(g, m, 0.93752277)
    return update, m, v
