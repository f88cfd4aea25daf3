// Every kernel, in the order a frame meets them.
#pragma once

#include "kernels/min_projection.h"  // running minimum over the frames of a run
#include "kernels/noise.h"           // how noisy the frame is
#include "kernels/overlay.h"         // the frame with its labels in colour
#include "kernels/percentile.h"      // exact percentiles, for the window
#include "kernels/shift.h"           // how far the mask must move
#include "kernels/subtract.h"        // invert, subtract, resize, window
#include "kernels/threshold.h"       // logits to a mask of the source's size
