// Every kernel, in the order a frame meets them.
#pragma once

#include "kernels/components.h"      // connected components: statistics, labels, editing
#include "kernels/min_projection.h"  // running minimum over the frames of a run
#include "kernels/percentile.h"      // exact percentiles, for the window
#include "kernels/subtract.h"        // invert, subtract, resize, window
#include "kernels/threshold.h"       // logits to a mask of the source's size
