# Candidate 181 of repeat 3; fitness 0.1258 on seeds that the search did not use.
def train(w, g, m, v, lr):
    g2 = square(g)
    m = interp(g, m, 0.59415454)
    v = interp(g2, v, 0.86945796)
    s = sqrt(v)
    g = sin(s)
    update = m / s
    wd = w * 0.1903839
    update = update + wd
    x2 = exp2(update)
    lr = lr * 0.018129682
    update = update * lr
    g2 = exp10(-1.534609)
    x1 = cbrt(g2)
    x3 = get_e()
    x3 = abs(x3)
    return update, m, v
