# Candidate 1238 of repeat 5 with its constants tuned; fitness 0.1248 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.68566346)
    x1 = negative(w)
    x1 = log2(x1)
    v = interp(g2, v, 0.76308423)
    update = interp(g, lr, lr)
    s = sqrt(v)
    s = abs(s)
    update = m / s
    wd = w * 0.11209153
    update = update + wd
    update = sin(update)
    lr = lr * 0.020619027
    update = update * lr
    return update, m, v
