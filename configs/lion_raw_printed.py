# Raw program of Chen et al. (2023, appendix), as printed. Its first statement gives `lr` a peak of 1.
def train(w, g, m, v, lr):
    lr = lr * 100.0
    g = clip(g, lr)
    m = clip(m, lr)
    v845 = sqrt(0.62706333)
    v968 = sign(v)
    v968 = v - v
    g = arcsin(g)
    m = interp(g, v, 0.9)
    v1 = m * m
    v = interp(g, m, 1.109133)
    v845 = tanh(v845)
    lr = lr * 0.0002171761734643951
    update = m * lr
    v1 = sqrt(v1)
    update = update / v1
    wd = lr * 0.46019784
    v1 = square(v1)
    wd = wd * w
    m = cosh(update)
    lr = tan(1.45722)
    update = update + wd
    lr = cos(v845)
    return update, m, v
