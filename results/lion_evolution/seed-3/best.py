# Candidate 1122 of repeat 5 with its constants tuned; fitness 0.1088 on seeds that the search did not use.
def train(w, g, m, v, lr):
    x3 = get_eps()
    g2 = square(g)
    m = interp(g, m, 0.74256396)
    x1 = cos(w)
    x2 = log(x1)
    v = interp(g2, v, 0.7098973)
    update = interp(g, lr, lr)
    s = sqrt(v)
    wd = sin(-0.014690827)
    x2 = max(0.4286715, -0.6873325)
    update = m / s
    wd = w * 0.11268254
    x4 = reciprocal(lr)
    update = update + wd
    update = sin(update)
    lr = lr * 0.022027167
    update = update * lr
    return update, m, v
