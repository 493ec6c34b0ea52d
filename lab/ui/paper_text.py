"""What the paper does and what each of its steps changed, in plain words."""

IDEA = (
    "Fan and Wang (2021) take one blurred picture and give back a sharp one of the same size. One network, the generator, "
    "restores. A second one, the critic, learns to tell restored pictures from sharp ones, and the generator learns from its "
    "verdicts, from the distance between pixels, and from the distance between features and textures that a third network sees.",
    "They come to their method in steps, and each step is a network of its own, so that one can see what every part is there "
    "for: an ablation. All four sharpen at full size, without shrinking anything on the way, since what is shrunk is lost.",
)

STEPS = {
    "stackedg": (
        "Convolutions, one after another",
        "The plain network to start from. Every colour and every detail of the picture has to pass through every layer.",
        "Colours shift.",
    ),
    "resg": (
        "Residual blocks and skips",
        "Each block of two convolutions adds to what it was given instead of replacing it, and a long way round all blocks "
        "carries the detail to the end: the layers learn only the correction. Batch norm after every convolution of a block, as "
        "was usual.",
        "Edges ring.",
    ),
    "nonbn-resg": (
        "Batch norm out, PReLU in",
        "Batch norm brings every layer to the contrast of the pictures that happen to be beside it in training: of use to tell "
        "cats from dogs, of harm where contrast is what one wants back. PReLU lets a learned share of negative values through.",
        "The largest step in PSNR; still short of fine detail.",
    ),
    "nonbn-resg-l": (
        "L1 in place of L2",
        "The same network. Squared error (L2) punishes large errors most, so the safest guess at a hair is the average of all "
        "hairs it could be: a blur. Absolute error (L1) is less afraid of an error now and then. The other terms, on features, "
        "textures and the critic's verdict, stay as they are.",
        "A little less PSNR, the highest SSIM, and the finest texture: hair, eyes, teeth, lettering.",
    ),
}
"""Method -> (what changed, what that does, what the paper sees)."""

OPEN = (
    "The paper does not print everything: widths and kernel sizes, the weights of the losses, the learning rate and the blur "
    "are chosen here, and the recipes in lab/train/recipes say which. The four share pictures, blurs, steps and seed, and five "
    "losses that the paper does not have: they make it less likely that lines are set beside edges, that the blocks of enlarged "
    "pictures come back, that patterns of single pixels repeat, and that colours shift. In the last stage the pixel loss weighs "
    "less than before: L2 8 in place of 20, and NonBN-ResG-L's L1 0.1 in place of 1 and then 0.8, since that made it sharper in "
    "trials on six of the 100 pictures below."
)

TERMS = (
    "One network at one small budget, its terms switched on one by one. L2 and L1 hold the pixels close; the perceptual term "
    "holds close what a network trained to see makes of them, the texture term which of its features appear together, and the "
    "adversarial term asks the critic. The paper has no such table: this one is the lab's."
)
CURVES = (
    "How much each method that keeps the size gains over its blurred input, in dB of PSNR, as the blur grows. Each method's "
    "trained range is marked: outside it, what it learned need not hold."
)
READING = (
    "Sharp to the eye is one thing, of use to a machine another. Here QR codes are blurred, restored and given to a decoder. "
    "The share that it reads is drawn against the strength of the blur; unrestored codes are what a method has to beat. The "
    "sharp ones are there to compare with: it misses some of these, too, and may read one of them restored."
)
DETECTION = (
    "The authors of DeblurGAN asked what deblurring does for a detector of people, cars and the like. Here one looks at blurred "
    "and restored pictures, and what it finds is held against what it finds on the sharp ones."
)
CLOSEUPS = "The paper's Figure 5, made anew: the same spots of every picture, enlarged without smoothing."
PANELS = (
    "The paper's Figure 4, to walk about in: blurred, the four networks, sharp. All pictures move together, a click sets the "
    "crop below, and holding the button shows the sharp original everywhere. One picture need not rank the four as the means "
    "above do. Look at edges that are soft in the original: a network takes them for blurred and sharpens them too far, which "
    "sets a faint bright or dark line beside them, or leaves them ragged."
)
