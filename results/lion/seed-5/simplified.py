# Candidate 1137 of repeat 0, simplified: 6 statements of 7 are left after 3 steps; resembles lion (decay 1, rate 1, beta1 0.82, beta2 0.97); left over: tanh(lr) in place of lr.
def train(w, g, m, v, lr):
    update = interp(g, m, 0.82)
    update = sign(update)
    update = update + w
    x1 = tanh(lr)
    update = update * x1
    m = interp(g, m, 0.97)
    return update, m, v
